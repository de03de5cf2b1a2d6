/** The folder of `streamfleet up`: history, objects, the simulated cloud, its key, the kubeconfig and the log. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { messageOf } from "../runtime/thrown.ts";
import { DataFileError } from "./kube/object-file.ts";

/** The folder of `up` where none is named. */
export const usualDataDir = ".streamfleet";

export interface DataDirectory {
  readonly root: string;
  readonly db: string;
  readonly objects: string;
  readonly cloud: string;
  readonly kubeconfig: string;
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
    mkdirSync(root, { recursive: true });
    writeFileSync(firstStart, "");
  } catch (cause) {
    throw new DataFileError(firstStart, messageOf(cause), { cause });
  }
  return true;
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
    if (!existsSync(path)) createKey(path, random(keyBytes));
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

/** Written aside and then named, so that no crash leaves half a key behind. */
function createKey(path: string, key: Uint8Array): void {
  const aside = `${path}.new`;
  writeFileSync(aside, key, { mode: 0o600, flush: true });
  renameSync(aside, path);
}
