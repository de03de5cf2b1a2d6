/** Files that a folder brings along: believed only where the caller himself wrote them. A folder may be anybody's. */
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { userInfo } from "node:os";

/** Why the file is not to be believed, for people; undefined: there is none. */
export type OwnFile =
  | { readonly kind: "Read"; readonly text: string }
  | { readonly kind: "Missing" }
  | { readonly kind: "Foreign"; readonly why: string };

const largestBytes = 1_048_576;

/** Reads a regular file that belongs to the caller, and that nobody else can write; links are not followed. */
export function readOwnFile(path: string): OwnFile {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return { kind: "Missing" };
    return { kind: "Foreign", why: code === "ELOOP" ? "is a link" : `cannot be read (${code ?? "unknown"})` };
  }
  try {
    const { mode, uid, size } = fstatSync(file);
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) return { kind: "Foreign", why: "is no regular file" };
    if (uid !== userInfo().uid) return { kind: "Foreign", why: "belongs to somebody else" };
    if ((mode & 0o022) !== 0) return { kind: "Foreign", why: "can be written by others" };
    if (size > largestBytes) return { kind: "Foreign", why: "is too large" };
    return { kind: "Read", text: readFileSync(file, "utf8") };
  } finally {
    closeSync(file);
  }
}

/**
 * Writes a file for its owner alone: aside, and then named, so that no crash leaves half of it and no link is followed. Throws
 * what the file system throws.
 */
export function writeOwnFile(path: string, content: string | Uint8Array): void {
  const aside = `${path}.new`;
  rmSync(aside, { force: true });
  const file = openSync(aside, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  try {
    writeFileSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  try {
    renameSync(aside, path);
  } catch (error) {
    rmSync(aside, { force: true });
    throw error;
  }
}

/** Whether a URL is of this machine. */
export function isOfThisMachine(url: string): boolean {
  return URL.canParse(url) && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(url).hostname);
}
