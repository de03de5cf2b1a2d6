/** Taking everything away: the definitions go, in whatever order, and with them every machine; nothing hangs. */
import { mkdtemp, readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { eventually } from "../support/eventually.ts";
import { createScratchDatabase, type ScratchDatabase } from "../support/postgres.ts";
import { buildBinaries } from "./binaries.ts";
import { type Child, ChildProcesses } from "./child-processes.ts";
import { databaseUrl } from "./environment.ts";
import { inService, streamNodes } from "./fleet.ts";
import { Kubectl } from "./kubectl.ts";
import { liveMachines } from "./machines.ts";
import { expectAlive, startProduct } from "./product.ts";
import { freeLoopbackPorts, type RealCluster, startRealCluster } from "./real-cluster.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const definitions = join(root, "crds");
const example = join(root, "examples", "live.yaml");
const namespace = "default";

describe("the definitions of a real cluster, deleted", () => {
  let cluster: RealCluster;
  let processes: ChildProcesses;
  let kubectl: Kubectl;
  let database: ScratchDatabase;
  let env: Readonly<Record<string, string>>;
  let metricsPorts: readonly string[];
  let turns = 0;
  let controller: Child;

  const start = (command: "controller" | "api", place: number): Child =>
    startProduct(processes, command, {
      args: [command],
      env: { ...env, STREAMFLEET_METRICS_PORT: metricsPorts[place]! },
    });
  const definitionsLeft = async (): Promise<readonly string[]> => {
    const names = await kubectl.must(["get", "crds", "-o", "name"]);
    return names.split("\n").filter((name) => name.includes("streamfleet"));
  };

  beforeAll(async () => {
    const binaries = await buildBinaries();
    const files = (await readdir(definitions)).filter((name) => name.endsWith(".yaml"));
    const crds = await Promise.all(files.map((name) => readFile(join(definitions, name), "utf8")));
    cluster = await startRealCluster({ binaries, crds });
    processes = new ChildProcesses(await mkdtemp(join(tmpdir(), "streamfleet-uninstall-")));
    const cacheFolder = join(processes.folder, "kubectl-cache");
    kubectl = new Kubectl({ path: binaries.kubectl, kubeconfig: cluster.kubeconfig, cacheFolder });
    database = await createScratchDatabase(databaseUrl());
    await kubectl.must(["create", "namespace", "streamfleet-system"]);
  });
  afterAll(async () => {
    await processes.close();
    await cluster.stop();
    await database.drop();
  });

  /** A fleet in service, of an operator that runs; each time on a cloud of its own. */
  beforeEach(async () => {
    const [apiPort, ...others] = await freeLoopbackPorts(3);
    metricsPorts = others.map(String);
    env = {
      KUBECONFIG: cluster.kubeconfig,
      DATABASE_URL: database.url,
      STREAMFLEET_CLUSTER_ID: `uninstall-${turns++}`,
      STREAMFLEET_API_PORT: String(apiPort),
      STREAMFLEET_API_URL: `http://127.0.0.1:${apiPort}`,
      STREAMFLEET_REPORT_INTERVAL_MS: "1000",
      STREAMFLEET_SIMULATED_CLOUD_DIR: join(processes.folder, `cloud-${turns}`),
    };
    await kubectl.must(["apply", "-f", definitions]);
    await kubectl.must(["wait", "--for=condition=Established", "crds", "--all", "--timeout=30s"]);
    controller = start("controller", 0);
    const api = start("api", 1);
    await kubectl.must(["apply", "-n", namespace, "-f", example]);
    await eventually(
      async () => {
        expectAlive(controller, api);
        expect(inService(await streamNodes(kubectl, namespace))).toHaveLength(3);
      },
      { withinMs: 90_000, everyMs: 250 },
    );
  });

  const machines = (): readonly string[] => liveMachines(env["STREAMFLEET_SIMULATED_CLOUD_DIR"]!);
  const gone = { withinMs: 60_000, everyMs: 250 };

  it("are gone when kubectl delete -f crds/ ends, and so are the machines", async () => {
    await kubectl.must(["delete", "-f", definitions, "--timeout=90s"], { timeoutMs: 100_000 });
    expect(await definitionsLeft()).toEqual([]);
    expect(machines()).toEqual([]);
    await controller.kill("SIGTERM");
  });

  it.each([
    ["as kubectl takes the files", ["launchbatches", "launchconfigs", "nodegroups", "scalepolicies", "streamnodes"]],
    ["the other way round", ["streamnodes", "scalepolicies", "nodegroups", "launchconfigs", "launchbatches"]],
  ])("are gone once an operator comes that was not there, %s", async (_name, order) => {
    await controller.kill("SIGTERM");
    for (const plural of order) await kubectl.must(["delete", "crd", `${plural}.streamfleet.dev`, "--wait=false"]);
    // Nothing holds what was launched; the others wait for an operator.
    await eventually(async () => expect(await definitionsLeft()).toHaveLength(4), gone);
    expect(await definitionsLeft()).not.toContain(
      "customresourcedefinition.apiextensions.k8s.io/launchbatches.streamfleet.dev",
    );
    expect(machines()).toHaveLength(3);
    controller = start("controller", 0);
    await eventually(async () => {
      expectAlive(controller);
      expect(await definitionsLeft()).toEqual([]);
    }, gone);
    expect(machines()).toEqual([]);
    await controller.kill("SIGTERM");
  });

  it("keep an operator from starting where a group lives on, and end no machine", async () => {
    await controller.kill("SIGTERM");
    await kubectl.must(["delete", "crd", "launchbatches.streamfleet.dev", "--timeout=30s"]);
    controller = start("controller", 0);
    expect(await controller.ended).toMatchObject({ kind: "Exited", code: 1 });
    expect(controller.output()).toContain("the cluster does not know LaunchBatches: install the definitions with");
    expect(machines()).toHaveLength(3);
    await kubectl.must(["apply", "-f", definitions]);
    controller = start("controller", 0);
    await kubectl.must(["delete", "-f", definitions, "--timeout=90s"], { timeoutMs: 100_000 });
    expect(machines()).toEqual([]);
    await controller.kill("SIGTERM");
  });

  it("leave the machines running, by the way that docs/operations.md shows", async () => {
    await kubectl.must(["delete", "nodegroup", "live", "-n", namespace, "--cascade=orphan", "--timeout=60s"]);
    await controller.kill("SIGTERM");
    await kubectl.must(["delete", "-f", definitions, "--wait=false"]);
    const nodes = await kubectl.must(["get", "streamnodes", "-n", namespace, "-o", "name"]);
    for (const node of nodes.trim().split("\n"))
      await kubectl.must(["patch", node, "-n", namespace, "--type=merge", "-p", '{"metadata":{"finalizers":null}}']);
    await eventually(async () => expect(await definitionsLeft()).toEqual([]), gone);
    expect(machines()).toHaveLength(3);
  });
});
