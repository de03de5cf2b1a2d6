/** Reads JSON bodies, after the caller is known: strangers cannot make us read. */
import type { Request, RequestHandler, Response } from "express";
import express from "express";
import type { z } from "zod";
import { parseBody, Problem } from "./problems.ts";

/** Longest body of a request (bytes): a report with every list full and names of the usual length is half of this. */
const longestBody = 1_024 * 1_024;

const readJson: RequestHandler = express.json({ limit: longestBody, type: ["application/json", "application/*+json"] });

/** The body as the schema gives it; throws `Problem`, or an error of the body parser that `problemHandler` knows. */
export async function readBody<T>(req: Request, res: Response, schema: z.ZodType<T>): Promise<T> {
  if (req.is(["json", "+json"]) === false) {
    throw new Problem("UnsupportedMediaType", "send the body as Content-Type: application/json");
  }
  if (Number(req.get("Content-Length") ?? 0) > longestBody) throw tooLarge();
  await new Promise<void>((resolve, reject) => {
    onExcess(req, () => reject(tooLarge()));
    void readJson(req, res, (error?: unknown) => {
      if (error === undefined) resolve();
      else reject(error instanceof Error ? error : new Error("the body could not be read", { cause: error }));
    });
  });
  return parseBody(schema, req.body as unknown);
}

/** The body parser would say it only at the end of the body, which may never come. */
function onExcess(req: Request, refuse: () => void): void {
  let length = 0;
  req.on("data", (chunk: Uint8Array) => {
    length += chunk.length;
    if (length > longestBody) refuse();
  });
}

function tooLarge(): Problem {
  return new Problem("BodyTooLarge", `send at most ${longestBody} bytes`);
}
