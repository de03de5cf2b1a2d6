/** What the embedded API shows and asks for: a certificate of its own, and a token. Other users of the machine reach its port. */
import { generate } from "selfsigned";
import { z } from "zod";
import { messageOf } from "../../runtime/thrown.ts";
import { readOwnFile, writeOwnFile } from "../own-file.ts";
import { DataFileError } from "../sqlite-file.ts";

const accessSchema = z.strictObject({
  /** Whoever shows it may do all. */
  token: z.string().min(32),
  /** PEM. */
  key: z.string().min(1),
  /** PEM; it is its own authority. */
  certificate: z.string().min(1),
});
export type KubeAccess = Readonly<z.output<typeof accessSchema>>;

const tokenBytes = 32;
const validYears = 10;

/**
 * The access that lies at `path`, so that copies of the kubeconfig go on to work; made where none is, or none of the caller's.
 * kubectl sends a token over TLS only, so there is a certificate. Throws `DataFileError`.
 */
export async function kubeAccess(
  path: string,
  { now, random }: { readonly now: Date; readonly random: (bytes: number) => Uint8Array },
): Promise<KubeAccess> {
  const former = formerAccess(path);
  if (former !== undefined) return former;
  const access = await newAccess(now, random);
  try {
    writeOwnFile(path, `${JSON.stringify(access)}\n`);
  } catch (cause) {
    throw new DataFileError(path, `${messageOf(cause)}; remove it: it is made again`, { cause });
  }
  return access;
}

function formerAccess(path: string): KubeAccess | undefined {
  const file = readOwnFile(path);
  if (file.kind !== "Read") return undefined;
  try {
    return accessSchema.parse(JSON.parse(file.text));
  } catch {
    return undefined;
  }
}

async function newAccess(now: Date, random: (bytes: number) => Uint8Array): Promise<KubeAccess> {
  const until = new Date(now);
  until.setUTCFullYear(until.getUTCFullYear() + validYears);
  const { private: key, cert } = await generate([{ name: "commonName", value: "streamfleet up" }], {
    keyType: "ec",
    curve: "P-256",
    algorithm: "sha256",
    // A clock that is set back later finds it valid.
    notBeforeDate: new Date(now.getTime() - 86_400_000),
    notAfterDate: until,
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", digitalSignature: true, keyCertSign: true, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      {
        name: "subjectAltName",
        altNames: [
          { type: 2, value: "localhost" },
          { type: 7, ip: "127.0.0.1" },
          { type: 7, ip: "::1" },
        ],
      },
    ],
  });
  return { token: Buffer.from(random(tokenBytes)).toString("base64url"), key, certificate: cert };
}
