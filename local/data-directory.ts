/** The folder of `streamfleet up`: history, objects, the simulated cloud, its key, the kubeconfig and the log. */
import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync, type Stats } from "node:fs";
import { userInfo } from "node:os";
import { join, resolve } from "node:path";
import { messageOf } from "../runtime/thrown.ts";
import { DataFileError } from "./sqlite-file.ts";
import { writeOwnFile } from "./own-file.ts";

/** The folder of `up` where none is named. */
export const usualDataDir = ".streamfleet";

export interface DataDirectory {
  readonly root: string;
  readonly db: string;
  readonly objects: string;
  readonly cloud: string;
  readonly kubeconfig: string;
  /** Certificate and token of the embedded API. */
  readonly kubeAccess: string;
  readonly endpoints: string;
  readonly log: string;
  /** Stands while the first start is not complete. */
  readonly firstStart: string;
}

/** The layout of the folder at `path`; nothing is created. */
export function dataDirectory(path: string): DataDirectory {
  const root = resolve(path);
  return {
    root,
    db: join(root, "db"),
    objects: join(root, "objects"),
    cloud: join(root, "cloud"),
    kubeconfig: join(root, "kubeconfig"),
    kubeAccess: join(root, "kube-access.json"),
    endpoints: join(root, "endpoints.json"),
    log: join(root, "streamfleet.log"),
    firstStart: join(root, "first-start"),
  };
}

/**
 * Whether nothing has run here yet: there are neither objects nor machines. So it stays until `endFirstStart`, for a start
 * that finds its port in use, or is killed, is not to count. Throws `DataFileError`.
 */
export function beginFirstStart({ root, objects, cloud, firstStart }: DataDirectory): boolean {
  if (existsSync(firstStart)) return true;
  if (existsSync(objects) || existsSync(cloud)) return false;
  try {
    mkdirSync(root, { recursive: true, mode: 0o700 });
    writeOwnFile(firstStart, "");
  } catch (cause) {
    throw new DataFileError(firstStart, messageOf(cause), { cause });
  }
  return true;
}

/**
 * The folder holds keys, tokens and every Secret: nobody else may read it, and nothing in it leads elsewhere. Throws
 * `DataFileError` with the command that mends it.
 */
export function assertClosed({ root, db, objects, cloud }: DataDirectory): void {
  const stats = statsOf(root);
  if (stats === undefined) return;
  if (stats.isSymbolicLink())
    throw new DataFileError(root, "is a link; give the folder that it leads to by --data-dir");
  if (!stats.isDirectory())
    throw new DataFileError(root, "is no folder; move it aside, or choose another by --data-dir");
  if (stats.uid !== userInfo().uid)
    throw new DataFileError(root, "belongs to somebody else; choose another by --data-dir");
  if ((stats.mode & 0o077) !== 0) throw new DataFileError(root, `is open to others; close it by: chmod 700 '${root}'`);
  for (const path of [db, objects, cloud]) {
    if (statsOf(path)?.isSymbolicLink() === true)
      throw new DataFileError(path, "is a link; move what it leads to here, or remove it");
  }
}

function statsOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    throw new DataFileError(path, messageOf(cause), { cause });
  }
}

/** From now on the folder is in use. Throws `DataFileError`. */
export function endFirstStart({ firstStart }: DataDirectory): void {
  try {
    rmSync(firstStart, { force: true });
  } catch (cause) {
    throw new DataFileError(firstStart, messageOf(cause), { cause });
  }
}

const keyBytes = 32;

/**
 * The key by which the simulated cloud's machines prove who they are. It lives beside them, so that they can call back
 * after the objects were lost. Made by `random` where it is missing. Throws `DataFileError`.
 */
export function nodeKey({ cloud }: DataDirectory, random: (bytes: number) => Uint8Array): Uint8Array {
  const path = join(cloud, "node-key");
  try {
    mkdirSync(cloud, { recursive: true });
    if (!existsSync(path)) writeOwnFile(path, random(keyBytes));
    const key = readFileSync(path);
    if (key.length === keyBytes) return key;
  } catch (cause) {
    throw new DataFileError(path, messageOf(cause), { cause });
  }
  throw new DataFileError(
    path,
    `is not a key of ${keyBytes} bytes; delete it to get a new one, with which machines that run cannot call back`,
  );
}
