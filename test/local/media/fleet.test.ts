import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { renderUserData } from "../../../domain/launch/user-data.ts";
import type { Machine } from "../../../domain/node/machine.ts";
import { MediaFleet } from "../../../local/media/fleet.ts";
import { FakeClock, settle } from "../../support/fake-clock.ts";
import { NodeApiWorld, origin } from "../../support/node-api.ts";
import { RecordingLogger } from "../../support/recording-logger.ts";
import { launchRequest, type SimulatedWorld, simulatedWorld, valueOf } from "../../support/simulated-cloud.ts";

let clock: FakeClock;
let api: NodeApiWorld;
let simulated: SimulatedWorld;
let fleet: MediaFleet;
let logger: RecordingLogger;

beforeEach(async () => {
  clock = new FakeClock();
  api = await NodeApiWorld.open({ clock, reportIntervalMs: 1_000 });
  simulated = simulatedWorld({ clock, bootMs: 2_000, stopMs: 1_000 });
  logger = new RecordingLogger();
  simulated.cloud.onStateChange(({ machine }) => void tellAddresses(machine));
  fleet = openFleet();
  fleet.start();
});
afterEach(async () => {
  await fleet.stop();
  simulated.cloud.close();
  await api.close();
});

function openFleet(): MediaFleet {
  const callsFrom = (address: string) => api.callingFrom(address);
  return new MediaFleet({ cloud: simulated.cloud, clock, random: () => 0, fetch, logger, callsFrom });
}

/** As the operator does once a machine runs: before, the cloud knows no public address of it. */
async function tellAddresses({ state, providerId, publicAddress, privateAddress }: Machine): Promise<void> {
  const node = api.directory.byMachine("simulated", providerId);
  if (state !== "Running" || node === undefined) return;
  await api.patchStatus(node.metadata.name, { addresses: { public: publicAddress, private: privateAddress } });
}

/** Launches machines with a join token, and gives each its StreamNode. */
async function launch(count: number, userData = settings()): Promise<readonly string[]> {
  const request = launchRequest({ count, userData });
  const machines = valueOf(await simulated.platform.launch(request, new AbortController().signal));
  for (const { providerId, launchIndex, privateAddress } of machines) {
    await api.addNode({
      name: `live-edge-${launchIndex}`,
      spec: { slot: launchIndex, index: launchIndex, providerId },
      status: { addresses: { private: privateAddress } },
    });
  }
  return machines.map(({ providerId }) => providerId);
}

/** Launches an origin and lets it come into service, so that edges are told to link to it. */
async function launchOrigin(): Promise<void> {
  const joinToken = api.joinToken({ batch: "live-origin-b1" });
  const request = launchRequest({ token: "token-origin", userData: settings(joinToken) });
  const [machine] = valueOf(await simulated.platform.launch(request, new AbortController().signal));
  const name = "live-origin-0";
  await api.addNode({
    name,
    spec: { role: "origin", batch: "live-origin-b1", providerId: machine!.providerId },
    status: { addresses: { private: machine!.privateAddress } },
  });
  await clock.advance(2_000);
  await within(2_000, () => reports().length === 1);
  await api.patchStatus(name, { phase: "InService" });
}

function settings(joinToken = api.joinToken()): string {
  return renderUserData({ apiUrl: api.url, platform: "simulated", joinToken, properties: {} }, "");
}

/** Moves time on, with pauses for the sockets, until the condition holds. */
async function within(ms: number, holds: () => boolean): Promise<void> {
  const endMs = clock.monotonicMs() + ms;
  while (!holds()) {
    expect(clock.monotonicMs()).toBeLessThanOrEqual(endMs);
    await clock.advance(20);
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

const reports = () => api.reports.uids().map((uid) => api.reports.latest(uid));
const established = () => reports().filter((report) => report?.links.every(({ state }) => state === "established"));

describe("the media fleet", () => {
  it("brings up a node on each machine that has booted, linked to its parents", async () => {
    await api.addNode(origin(0));
    await launch(20);
    expect(fleet.nodes.size).toBe(0);
    await clock.advance(2_000);
    expect(fleet.nodes.size).toBe(20);
    await within(2_000, () => established().length === 20);
    expect(reports()[0]?.links).toEqual([{ parent: "live-origin-0", state: "established" }]);
  });

  it("stops the node of a machine that is killed, at once and without a word", async () => {
    const [id] = await launch(1);
    await clock.advance(2_000);
    await within(2_000, () => reports().length === 1);
    simulated.cloud.kill(id!);
    await settle();
    expect(fleet.nodes.size).toBe(0);
    await within(1_000, () => clock.pendingTimers === 0);
    expect((await api.node("live-edge-0")).status?.registration?.goodbyeAt).toBeUndefined();
  });

  it("says goodbye for a machine that is stopped", async () => {
    const [id] = await launch(1);
    await clock.advance(2_000);
    await within(2_000, () => reports().length === 1);
    simulated.cloud.stop(id!);
    expect(fleet.nodes.size).toBe(0);
    await fleet.stop();
    expect((await api.node("live-edge-0")).status?.registration?.goodbyeAt).toBeDefined();
  });

  it("goes on with the same boots, and numbers that rise, after our process was started anew", async () => {
    await launch(2);
    const writes = (): number => api.faults.calls.filter((verb) => verb === "mergePatch").length;
    // Each node's addresses are told once, beside its registration.
    const unregistered = writes() + 2;
    await clock.advance(2_000);
    await within(2_000, () => reports().length === 2);
    const before = reports();
    await fleet.stop();
    expect(writes()).toBe(unregistered + 2);
    await clock.advance(30_000);
    fleet = openFleet();
    fleet.start();
    expect(fleet.nodes.size).toBe(2);
    await within(2_000, () => reports().every((report, index) => report !== before[index]));
    expect(reports().map((report) => report?.bootId)).toEqual(before.map((report) => report?.bootId));
    expect(writes()).toBe(unregistered + 2);
  });

  it("finds the links of machines that ran on as they were, after our process was started anew", async () => {
    await api.addNode(origin(0));
    await launch(2);
    await clock.advance(2_000);
    await within(2_000, () => established().length === 2);
    await fleet.stop();
    const before = reports();
    fleet = openFleet();
    fleet.start();
    await within(2_000, () => reports().every((report, index) => report !== before[index]));
    expect(reports().map((report) => report?.links)).toEqual(
      before.map(() => [{ parent: "live-origin-0", state: "established" }]),
    );
  });

  it("finds nodes by address and by name, and tells once of the sessions that ended with their machine", async () => {
    const [id] = await launch(2);
    await clock.advance(2_000);
    await within(2_000, () => reports().length === 2);
    const node = fleet.nodes.get(id!)!;
    const [publicAddress, privateAddress] = node.addresses;
    expect(fleet.nodeAt(publicAddress!)).toBe(node);
    expect(fleet.nodeAt(privateAddress!)).toBe(node);
    expect(fleet.nodeNamed({ namespace: "media", name: "live-edge-0" })).toBe(node);
    expect(fleet.nodeNamed({ namespace: "other", name: "live-edge-0" })).toBeUndefined();
    const client = { kind: "subscribe", scope: "live", name: "one" } as const;
    for (const session of ["a", "b"]) expect(node.connect({ id: session, ...client })).toBe("Connected");
    node.disconnect("a");
    expect(fleet.takeLost()).toEqual([]);
    simulated.cloud.kill(id!);
    expect(fleet.nodeAt(publicAddress!)).toBeUndefined();
    expect(fleet.takeLost()).toEqual(["b"]);
    expect(fleet.takeLost()).toEqual([]);
  });

  it("lets an origin tell of the edges that are linked to it", async () => {
    await launchOrigin();
    await launch(2);
    await clock.advance(2_000);
    const originReport = () => reports().find((report) => report?.name === "live-origin-0");
    await within(12_000, () => originReport()?.children.length === 2);
    const edge = fleet.nodeNamed({ namespace: "media", name: "live-edge-1" });
    edge?.connect({ id: "a", kind: "subscribe", scope: "live", name: "one" });
    await within(6_000, () => originReport()?.children.some(({ connections }) => connections === 1) === true);
    expect(originReport()?.children.find(({ name }) => name === "live-edge-1")).toEqual({
      name: "live-edge-1",
      connections: 1,
      subscribers: 1,
      streams: 1,
    });
    const others = reports().filter((report) => report?.name !== "live-origin-0");
    expect(others.map((report) => report?.children)).toEqual([[], []]);
    simulated.cloud.kill((await api.node("live-edge-1")).spec.providerId ?? "");
    await within(6_000, () => originReport()?.children.length === 1);
  });

  it("starts no node on a machine without settings, and says so", async () => {
    await launch(1, "#!/bin/sh");
    await clock.advance(2_000);
    expect(fleet.nodes.size).toBe(0);
    expect(logger.lines).toContainEqual(expect.objectContaining({ message: "found no settings at boot" }));
  });
});
