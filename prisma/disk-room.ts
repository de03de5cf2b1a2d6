/** How much room there is where a database lives. */
import { statfsSync } from "node:fs";
import { DatabaseOpenError } from "./history-database.ts";

/** Bytes that may still be written below a folder. */
export type FreeBytes = (folder: string) => number;

/** As the file system of the folder says. */
export const freeBytes: FreeBytes = (folder) => {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
};

/**
 * What the embedded server may need for its next write: two files of its log, 16 MB each, and pages. It does not survive a
 * write of its log that finds no room, so that it is not to begin one.
 */
export const neededBytes = 48 * 1024 * 1024;

const mebibyte = 1024 * 1024;

/** There is no room to write. */
export class DiskFullError extends DatabaseOpenError {
  /** PostgreSQL's own word for it. */
  readonly code = "53100";

  constructor(folder: string) {
    // No number that changes: the sentence goes into the status of every group.
    super(`the disk of ${folder} is full: the database asks for ${neededBytes / mebibyte} MB; make room there`);
  }
}

/** @throws DiskFullError */
export function assertRoom(folder: string, free: FreeBytes): void {
  if (free(folder) < neededBytes) throw new DiskFullError(folder);
}
