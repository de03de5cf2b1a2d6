/** The kubeconfig by which kubectl and the Kubernetes client find the embedded API. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { stringify } from "yaml";
import { messageOf } from "../../runtime/thrown.ts";
import { DataFileError } from "./object-file.ts";

/** The text of a kubeconfig for the server at this URL. There is no user to be: the server listens to this machine only. */
export function kubeconfig(url: string): string {
  const name = "streamfleet";
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": name,
    contexts: [{ name, context: { cluster: name, user: name, namespace: "default" } }],
    // Without TLS there is nothing to verify; the JavaScript client takes plain HTTP only where that is said.
    clusters: [{ name, cluster: { server: url, "insecure-skip-tls-verify": true } }],
    users: [{ name, user: {} }],
  });
}

/** Writes the kubeconfig, readable by its owner only. Throws `DataFileError`. */
export function writeKubeconfig(path: string, url: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, kubeconfig(url), { mode: 0o600 });
  } catch (cause) {
    throw new DataFileError(path, `${messageOf(cause)}; remove it: it is written at every start`, { cause });
  }
}
