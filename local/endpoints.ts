/** Where a running `up` can be reached, written into its folder: for commands that are given only the folder. */
import { readFileSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { messageOf } from "../runtime/thrown.ts";
import { DataFileError } from "./kube/object-file.ts";

const endpointsSchema = z.object({ apiUrl: z.url(), mediaUrl: z.url() });

/** Base URLs, without trailing slashes. */
export type Endpoints = z.output<typeof endpointsSchema>;

/** Written at every start. Throws `DataFileError`. */
export function writeEndpoints(path: string, endpoints: Endpoints): void {
  try {
    writeFileSync(path, `${JSON.stringify(endpoints)}\n`);
  } catch (cause) {
    throw new DataFileError(path, `${messageOf(cause)}; remove it: it is written at every start`, { cause });
  }
}

/** What was written last; undefined where nothing readable is there, so that what is usual is tried. */
export function readEndpoints(path: string): Endpoints | undefined {
  try {
    return endpointsSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return undefined;
  }
}
