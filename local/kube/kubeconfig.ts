/** The kubeconfig by which kubectl and the Kubernetes client find the embedded API. */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { messageOf } from "../../runtime/thrown.ts";
import { isOfThisMachine, writeOwnFile } from "../own-file.ts";
import type { KubeAccess } from "./access.ts";
import { DataFileError } from "../sqlite-file.ts";

/** The text of a kubeconfig for the server at this URL. Who has the token may do all; without one nothing is asked for. */
export function kubeconfig(url: string, access?: KubeAccess): string {
  const name = "streamfleet";
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": name,
    contexts: [{ name, context: { cluster: name, user: name, namespace: "default" } }],
    clusters: [{ name, cluster: { server: url, ...trust(access) } }],
    users: [{ name, user: access === undefined ? {} : { token: access.token } }],
  });
}

function trust(access: KubeAccess | undefined): object {
  // Without TLS there is nothing to verify; the JavaScript client takes plain HTTP only where that is said.
  if (access === undefined) return { "insecure-skip-tls-verify": true };
  return { "certificate-authority-data": Buffer.from(access.certificate).toString("base64") };
}

const written = z.strictObject({
  apiVersion: z.literal("v1"),
  kind: z.literal("Config"),
  "current-context": z.string(),
  contexts: z.array(
    z.strictObject({
      name: z.string(),
      context: z.strictObject({ cluster: z.string(), user: z.string(), namespace: z.string() }),
    }),
  ),
  clusters: z.array(
    z.strictObject({
      name: z.string(),
      cluster: z.strictObject({
        server: z.string().refine(isOfThisMachine, "is not of this machine"),
        "insecure-skip-tls-verify": z.boolean().optional(),
        "certificate-authority-data": z.string().optional(),
      }),
    }),
  ),
  users: z.array(z.strictObject({ name: z.string(), user: z.strictObject({ token: z.string().optional() }) })),
});

/**
 * Why a kubeconfig is none that `up` writes; undefined where it is. Others may run programs, read files or send what they are
 * told elsewhere (`exec`, `auth-provider`, `tokenFile`, `proxy-url`, a server of another machine).
 */
export function foreignIn(text: string): string | undefined {
  try {
    const [issue] = written.safeParse(parse(text)).error?.issues ?? [];
    if (issue === undefined) return undefined;
    const keys = issue.code === "unrecognized_keys" ? ` has ${issue.keys.join(", ")}` : ` ${issue.message}`;
    return `${issue.path.join(".")}${keys}`;
  } catch {
    return "is no YAML";
  }
}

/** Writes the kubeconfig, readable by its owner only. Throws `DataFileError`. */
export function writeKubeconfig(path: string, url: string, access?: KubeAccess): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeOwnFile(path, kubeconfig(url, access));
  } catch (cause) {
    throw new DataFileError(path, `${messageOf(cause)}; remove it: it is written at every start`, { cause });
  }
}
