import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { fileURLToPath } from "node:url";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { nodeGroupManifest } from "../support/manifests.ts";
import { createScratchDatabase, type ScratchDatabase } from "../support/postgres.ts";
import { type Child, ChildProcesses } from "./child-processes.ts";
import { clusterKubeconfig, databaseUrl, kubectlOf } from "./environment.ts";
import { type FleetNode, identityOf, inService, streamNodes } from "./fleet.ts";
import type { Kubectl } from "./kubectl.ts";
import { launchedMachines, liveMachines } from "./machines.ts";
import { allLives, openLives } from "./node-lives.ts";
import { expectAlive, expectSuccess, startProduct, statusOf } from "./product.ts";
import { freeLoopbackPorts } from "./real-cluster.ts";

const example = fileURLToPath(new URL("../../examples/live.yaml", import.meta.url));
const namespace = "default";
const operatorNamespace = "streamfleet-system";

/** Longer than a lease lasts: a controller that was killed still holds it, and its successor waits. */
const takeover = { withinMs: 90_000, everyMs: 250 };

describe("the operator on a real cluster, as two processes on PostgreSQL", () => {
  let processes: ChildProcesses;
  let kubectl: Kubectl;
  let database: ScratchDatabase;
  let env: Readonly<Record<string, string>>;
  let metricsPorts: Readonly<Record<"controller" | "api" | "migrate", string>>;
  let controller: Child;
  let api: Child;

  const start = (command: "controller" | "api" | "migrate"): Child =>
    startProduct(processes, command, {
      args: [command],
      env: { ...env, STREAMFLEET_METRICS_PORT: metricsPorts[command] },
    });
  const cloudFolder = (): string => join(processes.folder, "cloud");
  const fleet = (): Promise<readonly FleetNode[]> => {
    expectAlive(controller, api);
    return streamNodes(kubectl, namespace);
  };
  const fleetInService = (names: readonly string[]): Promise<readonly FleetNode[]> =>
    eventually(async () => {
      const nodes = await fleet();
      expect(inService(nodes)).toEqual(names);
      expect(nodes).toHaveLength(names.length);
      return nodes;
    }, takeover);
  const setEdges = (minLimit: number): Promise<string> => changeLimits(kubectl, { role: "edge", minLimit });
  const expectOneMachineEach = (nodes: readonly FleetNode[]): void => {
    const machines = nodes.map(({ machine }) => machine).sort();
    expect(liveMachines(cloudFolder()).toSorted()).toEqual(machines);
    expect(launchedMachines(cloudFolder()).toSorted()).toEqual(machines);
  };

  beforeAll(async () => {
    processes = new ChildProcesses(await mkdtemp(join(tmpdir(), "streamfleet-operator-")));
    kubectl = kubectlOf("1.34", clusterKubeconfig(), processes.folder);
    database = await createScratchDatabase(databaseUrl());
    const [apiPort, metricsPort, apiMetricsPort] = await freeLoopbackPorts(3);
    metricsPorts = { controller: String(metricsPort), api: String(apiMetricsPort), migrate: String(metricsPort) };
    env = {
      KUBECONFIG: clusterKubeconfig(),
      DATABASE_URL: database.url,
      STREAMFLEET_CLUSTER_ID: "cluster-test",
      STREAMFLEET_NAMESPACE: operatorNamespace,
      STREAMFLEET_API_PORT: String(apiPort),
      STREAMFLEET_API_URL: `http://127.0.0.1:${apiPort}`,
      STREAMFLEET_REPORT_INTERVAL_MS: "1000",
      STREAMFLEET_SIMULATED_CLOUD_DIR: cloudFolder(),
    };
    await kubectl.must(["create", "namespace", operatorNamespace]);
  });

  afterAll(async () => {
    await processes.close();
    await database.drop();
  });

  it("migrates an empty database, and one that is up to date", async () => {
    await expectSuccess(start("migrate"));
    await expectSuccess(start("migrate"));
  });

  it("starts, and says that it is ready", async () => {
    controller = start("controller");
    api = start("api");
    const { controller: ofController, api: ofApi } = metricsPorts;
    const operations = [ofController, ofApi].map((port) => `http://127.0.0.1:${port}`);
    const urls = [env["STREAMFLEET_API_URL"]!, ...operations];
    await eventually(async () => {
      expectAlive(controller, api);
      expect(await Promise.all(urls.map((url) => statusOf(`${url}/readyz`)))).toEqual([200, 200, 200]);
    });
    expect(await Promise.all(operations.map((url) => statusOf(`${url}/metrics`)))).toEqual([200, 200]);
    expect(await statusOf(`${env["STREAMFLEET_API_URL"]!}/metrics`)).toBe(404);
  });

  it("takes the example by server-side apply and brings its nodes into service", async () => {
    await kubectl.must(["apply", "--server-side", "-n", namespace, "-f", example]);
    const nodes = await fleetInService(["live-edge-0", "live-edge-1", "live-origin-0"]);
    expectOneMachineEach(nodes);
    await kubectl.must(["wait", "--for=condition=Ready", "-n", namespace, "nodegroup/live", "--timeout=30s"]);
    const row = await kubectl.must(["get", "nodegroup", "live", "-n", namespace, "--no-headers"]);
    expect(row).toMatch(/^live\s+1\/1\s+2\/2\s+True\s+-\s+\d+s/);
    await eventually(async () => {
      expect(await openLives(database.url)).toEqual(["live-edge-0", "live-edge-1", "live-origin-0"]);
    });
  });

  it("takes the example again by server-side apply, without a conflict with what it wrote itself", async () => {
    const applied = await kubectl.must(["apply", "--server-side", "-n", namespace, "-f", example]);
    expect(applied).toMatch(/nodegroup\.streamfleet\.dev\/live serverside-applied/);
  });

  it("survives kill -9 of the controller: the same nodes go on, and new ones come without a machine twice", async () => {
    const before = await fleet();
    await controller.kill("SIGKILL");
    await setEdges(5);
    controller = start("controller");
    const after = await fleetInService([...edges(5), "live-origin-0"]);
    expect(after.map(identityOf)).toEqual(expect.arrayContaining(before.map(identityOf)));
    expectOneMachineEach(after);
  });

  it("survives kill -9 of the controller in the middle of a launch", async () => {
    await setEdges(8);
    await eventually(async () => expect((await fleet()).length).toBeGreaterThan(6), { everyMs: 10 });
    await controller.kill("SIGKILL");
    controller = start("controller");
    expectOneMachineEach(await fleetInService([...edges(8), "live-origin-0"]));
  });

  it("survives kill -9 of the API: the same nodes go on, and one that called meanwhile comes into service", async () => {
    const before = await fleet();
    await api.kill("SIGKILL");
    await setEdges(9);
    await eventually(async () => expect(await streamNodes(kubectl, namespace)).toHaveLength(10));
    api = start("api");
    const after = await fleetInService([...edges(9), "live-origin-0"]);
    expect(after.map(identityOf)).toEqual(expect.arrayContaining(before.map(identityOf)));
    expectOneMachineEach(after);
  });

  it("says which reference is missing", async () => {
    const manifest = nodeGroupManifest({ scalePolicyRef: { name: "nowhere" } }, "lost");
    await kubectl.must(["apply", "-n", namespace, "-f", "-"], { input: JSON.stringify(manifest) });
    await kubectl.must([
      "wait",
      "-n",
      namespace,
      "--for=condition=ReferencesResolved=false",
      "nodegroup/lost",
      "--timeout=60s",
    ]);
    const described = await kubectl.must(["describe", "nodegroup", "lost", "-n", namespace]);
    expect(described).toMatch(/nowhere/);
    await kubectl.must(["delete", "-n", namespace, "nodegroup/lost", "--timeout=60s"]);
  });

  it("deletes without a trace: no object, no machine, no open life", async () => {
    await kubectl.must(["delete", "-n", namespace, "nodegroup/live", "--timeout=90s"]);
    await eventually(async () => {
      expectAlive(controller, api);
      const left = await kubectl.must(["get", "nodegroups,streamnodes,launchbatches", "-n", namespace, "-o", "name"]);
      expect(left).toBe("");
    }, takeover);
    expect(liveMachines(cloudFolder())).toEqual([]);
    await eventually(async () => expect(await openLives(database.url)).toEqual([]));
    expect(await allLives(database.url)).toEqual([...edges(9), "live-origin-0"]);
  });

  it("lets go of the policy and the launch config", async () => {
    await kubectl.must(["delete", "-n", namespace, "-f", example, "--ignore-not-found", "--timeout=60s"]);
  });

  it("ends with 0 when it is asked to, soon", async () => {
    const endings = await Promise.all([controller.kill("SIGTERM"), api.kill("SIGTERM")]);
    expect(endings).toEqual([
      { kind: "Exited", code: 0 },
      { kind: "Exited", code: 0 },
    ]);
  }, 40_000);
});

function edges(count: number): readonly string[] {
  return Array.from({ length: count }, (_, slot) => `live-edge-${slot}`);
}

/** Changes the minimum of one role in the group's policy, as a person would by JSON patch; the maximum follows. */
async function changeLimits(
  kubectl: Kubectl,
  { role, minLimit }: { readonly role: string; readonly minLimit: number },
): Promise<string> {
  const group = ["get", "nodegroup", "live", "-n", namespace, "-o"];
  const policy = await kubectl.must([...group, "jsonpath={.spec.scalePolicyRef.name}"]);
  const shown = await kubectl.must(["get", "scalepolicy", policy, "-n", namespace, "-o", "json"]);
  const { spec } = JSON.parse(shown) as { readonly spec: { readonly roles: readonly RoleEntry[] } };
  const index = spec.roles.findIndex((entry) => entry.role === role);
  const entry = spec.roles[index]!;
  const value = { ...entry, minLimit, maxLimit: Math.max(entry.maxLimit, minLimit) };
  const patch = JSON.stringify([{ op: "replace", path: `/spec/roles/${index}`, value }]);
  return kubectl.must(["patch", "scalepolicy", policy, "-n", namespace, "--type=json", "-p", patch]);
}

interface RoleEntry {
  readonly role: string;
  readonly maxLimit: number;
}
