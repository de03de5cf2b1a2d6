/** What the whole run of cluster tests shares, and how the tests learn of it: through `TEST_` variables. */
import { readdir, readFile } from "node:fs/promises";
import { widgetCrd } from "../support/widget-crd.ts";
import { buildBinaries } from "./binaries.ts";
import { type RealCluster, startRealCluster } from "./real-cluster.ts";

/** Jest calls setup and teardown in one process, and hands nothing from the one to the other. */
const running: RealCluster[] = [];

/** Starts the services and sets the variables that `environment.ts` reads. */
export async function startServices(): Promise<void> {
  const binaries = await buildBinaries();
  const cluster = await startRealCluster({ binaries, crds: await allCrds() });
  running.push(cluster);
  Object.assign(process.env, {
    TEST_CLUSTER_URL: cluster.url,
    TEST_CLUSTER_TOKEN: cluster.token,
    TEST_CLUSTER_CA: cluster.certificateAuthority,
    TEST_KUBECONFIG: cluster.kubeconfig,
    TEST_KUBECTL: binaries.kubectl,
    TEST_KUBECTL_OLDER: binaries.olderKubectl,
  });
}

/** Ends them. */
export async function stopServices(): Promise<void> {
  await Promise.all(running.splice(0).map((cluster) => cluster.stop()));
}

/** The generated CRDs, and the one of the conformance suite. */
async function allCrds(): Promise<readonly string[]> {
  const folder = new URL("../../crds/", import.meta.url);
  const names = (await readdir(folder)).filter((name) => name.endsWith(".yaml"));
  const generated = await Promise.all(names.map((name) => readFile(new URL(name, folder), "utf8")));
  return [...generated, JSON.stringify(widgetCrd)];
}
