/** Reads JSON bodies, after the caller is known: strangers cannot make us read. */
import type { Request, RequestHandler, Response } from "express";
import express from "express";
import type { z } from "zod";
import { parseBody, Problem } from "./problems.ts";

/** Longest body of a request (bytes). */
const longestBody = 1_024 * 1_024;
/** Longest report (bytes): with 10,000 streams of the longest names it is half of this. */
export const longestReport = 12 * 1_024 * 1_024;

const jsonTypes = ["application/json", "application/*+json"];
const readShort: RequestHandler = express.json({ limit: longestBody, type: jsonTypes });
const readReport: RequestHandler = express.json({ limit: longestReport, type: jsonTypes });

/** The body as the schema gives it; throws `Problem`, or an error of the body parser that `problemHandler` knows. */
export async function readBody<T>(req: Request, res: Response, schema: z.ZodType<T>): Promise<T> {
  return parseBody(schema, await readJson(req, res, longestBody, readShort));
}

/** The body of a report, as it is. Throws as `readBody` does. */
export function readReportBody(req: Request, res: Response): Promise<unknown> {
  return readJson(req, res, longestReport, readReport);
}

async function readJson(req: Request, res: Response, longest: number, parser: RequestHandler): Promise<unknown> {
  if (req.is(["json", "+json"]) === false) {
    throw new Problem("UnsupportedMediaType", "send the body as Content-Type: application/json");
  }
  if (Number(req.get("Content-Length") ?? 0) > longest) throw tooLarge(longest);
  await new Promise<void>((resolve, reject) => {
    onExcess(req, longest, () => reject(tooLarge(longest)));
    void parser(req, res, (error?: unknown) => {
      if (error === undefined) resolve();
      else reject(error instanceof Error ? error : new Error("the body could not be read", { cause: error }));
    });
  });
  return req.body;
}

/** The body parser would say it only at the end of the body, which may never come. */
function onExcess(req: Request, longest: number, refuse: () => void): void {
  let length = 0;
  req.on("data", (chunk: Uint8Array) => {
    length += chunk.length;
    if (length > longest) refuse();
  });
}

function tooLarge(longest: number): Problem {
  return new Problem("BodyTooLarge", `send at most ${longest} bytes`);
}
