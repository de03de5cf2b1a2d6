/** The kubeconfig by which kubectl and the Kubernetes client find the embedded API. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { stringify } from "yaml";

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

/** Writes the kubeconfig, readable by its owner only. */
export function writeKubeconfig(path: string, url: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, kubeconfig(url), { mode: 0o600 });
}
