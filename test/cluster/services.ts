/** What the whole run of cluster tests shares, and how the tests learn of it: through `TEST_` variables. */
import { readdir, readFile } from "node:fs/promises";
import { widgetCrd } from "../support/widget-crd.ts";
import { buildBinaries, type ClusterBinaries } from "./binaries.ts";
import { startPostgres } from "./postgres.ts";
import { startRealCluster } from "./real-cluster.ts";

interface Service {
  stop(): Promise<void>;
}

/** Jest calls setup and teardown in one process, and hands nothing from the one to the other. */
const running: Service[] = [];

/** Starts the services and sets the variables that `environment.ts` reads. */
export async function startServices(): Promise<void> {
  const binaries = await buildBinaries();
  try {
    await Promise.all([startCluster(binaries), startDatabase()]);
  } catch (error) {
    await stopServices();
    throw error;
  }
}

/** Ends them. */
export async function stopServices(): Promise<void> {
  await Promise.all(running.splice(0).map((service) => service.stop()));
}

async function startCluster(binaries: ClusterBinaries): Promise<void> {
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

/** A server that is named already is taken as it is. */
async function startDatabase(): Promise<void> {
  if (process.env["TEST_DATABASE_URL"] !== undefined) return;
  const database = await startPostgres();
  running.push(database);
  process.env["TEST_DATABASE_URL"] = database.url;
}

/** The generated CRDs, and the one of the conformance suite. */
async function allCrds(): Promise<readonly string[]> {
  const folder = new URL("../../crds/", import.meta.url);
  const names = (await readdir(folder)).filter((name) => name.endsWith(".yaml"));
  const generated = await Promise.all(names.map((name) => readFile(new URL(name, folder), "utf8")));
  return [...generated, JSON.stringify(widgetCrd)];
}
