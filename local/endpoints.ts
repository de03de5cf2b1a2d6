/** Where a running `up` can be reached, written into its folder: for commands that are given only the folder. */
import { z } from "zod";
import { messageOf } from "../runtime/thrown.ts";
import { DataFileError } from "./sqlite-file.ts";
import { isOfThisMachine, readOwnFile, writeOwnFile } from "./own-file.ts";

/** Of this machine alone: commands send them an operator's token. */
const ownUrl = z.url().refine(isOfThisMachine);
const endpointsSchema = z.object({ apiUrl: ownUrl, mediaUrl: ownUrl });

/** Base URLs, without trailing slashes. */
export type Endpoints = z.output<typeof endpointsSchema>;

/** Written at every start. Throws `DataFileError`. */
export function writeEndpoints(path: string, endpoints: Endpoints): void {
  try {
    writeOwnFile(path, `${JSON.stringify(endpoints)}\n`);
  } catch (cause) {
    throw new DataFileError(path, `${messageOf(cause)}; remove it: it is written at every start`, { cause });
  }
}

/** What the caller's own `up` wrote last; undefined where nothing of the kind is there, so that what is usual is tried. */
export function readEndpoints(path: string): Endpoints | undefined {
  const file = readOwnFile(path);
  if (file.kind !== "Read") return undefined;
  try {
    return endpointsSchema.parse(JSON.parse(file.text));
  } catch {
    return undefined;
  }
}
