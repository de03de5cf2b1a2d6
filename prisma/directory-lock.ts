/** One process per directory: a lock that the operating system drops with its holder, even after `kill -9`. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { causeLine } from "./cause-line.ts";

/** The file in the directory that carries the lock. It stays behind, empty, and means nothing by itself. */
const lockFileName = "lock";

const sqliteBusy = 5;

/** A lock that is held. */
export interface DirectoryLock {
  /** Lets go; may be called twice. */
  release(): void;
}

/** Another process, or another part of this one, holds the directory. */
export class DirectoryLockedError extends Error {
  override readonly name = "DirectoryLockedError";
  readonly isForPeople = true;
}

/** The lock cannot be asked for: the directory or its lock file cannot be written. */
export class DirectoryUnusableError extends Error {
  override readonly name = "DirectoryUnusableError";
  readonly isForPeople = true;
}

/**
 * Takes the lock of a directory, which is created where it is missing. Never waits.
 * @throws DirectoryLockedError, DirectoryUnusableError; each message is one line for people.
 */
export function acquireDirectoryLock(directory: string): DirectoryLock {
  const connection = openLockFile(directory);
  try {
    // An exclusive transaction without a write leaves the file empty: there is nothing to repair after a kill.
    connection.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    connection.close();
    throw lockFailure(directory, cause);
  }
  return {
    release: () => {
      if (connection.isOpen) connection.close();
    },
  };
}

function openLockFile(directory: string): DatabaseSync {
  try {
    // What lies in it, keys among it, is its owner's.
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    return new DatabaseSync(join(directory, lockFileName), { timeout: 0 });
  } catch (cause) {
    throw unusable(directory, cause);
  }
}

function lockFailure(directory: string, cause: unknown): Error {
  const isBusy = typeof cause === "object" && cause !== null && "errcode" in cause && cause.errcode === sqliteBusy;
  if (!isBusy) return unusable(directory, cause);
  return new DirectoryLockedError(`${directory} is in use by another streamfleet process`, { cause });
}

function unusable(directory: string, cause: unknown): DirectoryUnusableError {
  return new DirectoryUnusableError(`${directory} cannot be used: ${causeLine(cause)}`, { cause });
}
