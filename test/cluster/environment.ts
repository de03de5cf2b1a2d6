/** What the setup of the run started, as the tests see it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { httpClient, type RawHttp } from "./http-client.ts";
import { Kubectl } from "./kubectl.ts";

function given(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "")
    throw new Error(`${name} is not set: run the tests with npm run test:cluster`);
  return value;
}

/** Path of the kubeconfig of the real cluster's administrator. */
export function clusterKubeconfig(): string {
  return given("TEST_KUBECONFIG");
}

/** Raw requests to the real API server, as its administrator. */
export function clusterHttp(): RawHttp {
  const ca = readFileSync(given("TEST_CLUSTER_CA"), "utf8");
  return httpClient({ url: given("TEST_CLUSTER_URL"), token: given("TEST_CLUSTER_TOKEN"), ca });
}

/** URL of the PostgreSQL database that the run may fill and empty as it likes. */
export function databaseUrl(): string {
  return given("TEST_DATABASE_URL");
}

export type KubectlVersion = "1.34" | "1.32";

/** The versions of kubectl for which everything must work. */
export const kubectlVersions: readonly KubectlVersion[] = ["1.34", "1.32"];

/** A kubectl of one version, with a cache of its own in `folder`. */
export function kubectlOf(version: KubectlVersion, kubeconfig: string, folder: string): Kubectl {
  const path = given(version === "1.34" ? "TEST_KUBECTL" : "TEST_KUBECTL_OLDER");
  return new Kubectl({ path, kubeconfig, cacheFolder: join(folder, `kubectl-${version}-cache`) });
}
