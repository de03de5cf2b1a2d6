/** One quick scenario of each kind that `npm run test:scenarios` plays at length. */
import { afterEach, describe, expect, it } from "@jest/globals";
import { isDeepStrictEqual } from "node:util";
import { type Kind, resourceType } from "../../crds/names.ts";
import { ApiError } from "../../runtime/kubernetes-api.ts";
import { launchScenario, surviveEveryCall } from "../support/crash-steps.ts";
import { asSaved, Fleet, namespace } from "../support/fleet.ts";
import { LoadScenario } from "../support/load-scenario.ts";

let close: () => void;
afterEach(() => close());

function opened(fleet = new Fleet()): Fleet {
  close = () => fleet.close();
  return fleet;
}

describe("a process that is killed", () => {
  it.each(["Before", "After"] as const)("%s a call of a launch launches each machine once", async (moment) => {
    const fleet = opened();
    await fleet.start();
    expect(await surviveEveryCall(fleet, moment, launchScenario(fleet, 1), 7)).toBeGreaterThan(6);
  });
});

describe("two candidates", () => {
  it("hand over when the leader is killed, and launch each machine once", async () => {
    const fleet = opened();
    const first = await fleet.start({ election: true, identity: "first" });
    await fleet.start({ election: true, identity: "second", reports: first.reports });
    await fleet.applyExample();
    await fleet.until("in service", () => fleet.inService() === 3, 30_000);
    first.kill();
    const wrong = fleet.guard({ edge: 4, origin: 1 });
    await fleet.limit("edge", 4, 4);
    await fleet.until("4 edges", () => fleet.inService("edge") === 4, 60_000);
    expect([wrong(), fleet.contradictions(), fleet.machines("edge").length]).toEqual([[], [], 4]);
  });
});

describe("a crowd", () => {
  it("comes and goes: edges come before it is turned away, and none of it is cut", async () => {
    const scenario = await LoadScenario.open();
    close = () => scenario.close();
    scenario.fleet.forgetWrites();
    await scenario.ramp(10, 70, 60);
    await scenario.hold(70, 30);
    expect(scenario.fleet.inService("edge")).toBeGreaterThanOrEqual(6);
    await scenario.ramp(70, 0, 30);
    await scenario.until("the minimum", 0, () => scenario.fleet.nodes("edge").length === 2, 1_500);
    expect(scenario.counts).toMatchObject({ cut: 0, lost: 0 });
    expect(rewritten(scenario.fleet)).toEqual([]);
  });

  it("is met by steps as before when the operator's clock is put back by an hour", async () => {
    const scenario = await LoadScenario.open({ edge: { minLimit: 2, maxLimit: 12, scaleAdjustment: 1 } });
    close = () => scenario.close();
    await scenario.hold(30, 20);
    scenario.fleet.process.lifeline.stepWall(-3_600_000);
    await scenario.hold(70, 120);
    expect(scenario.fleet.inService("edge")).toBe(6);
  });

  it("is met though every node's reports have something odd in them", async () => {
    const scenario = await LoadScenario.open();
    close = () => scenario.close();
    const streams = [{ scope: "live", name: "x".repeat(256), subscribers: 0 }];
    scenario.fleet.rewriteReports((report) => ({ ...report, cpuPercent: 180, streams }));
    await scenario.ramp(10, 70, 30);
    await scenario.hold(70, 20);
    expect(scenario.fleet.inService("edge")).toBeGreaterThanOrEqual(6);
  });
});

describe("a full backup", () => {
  it("restored into an empty cluster ends no machine and launches none", async () => {
    const fleet = opened(await Fleet.example());
    await fleet.until("in service", () => fleet.inService() === 3, 15_000);
    const machines = () => fleet.cloud.machines().map(({ providerId, state }) => `${providerId} ${state}`);
    const before = machines();
    const kinds: readonly Kind[] = ["LaunchConfig", "ScalePolicy", "NodeGroup", "LaunchBatch", "StreamNode"];
    const lists = await Promise.all(kinds.map((kind) => fleet.kube.list(resourceType(kind), { namespace })));
    fleet.kill();
    fleet.wipeObjects();
    await fleet.start();
    for (const object of lists.flatMap(({ items }) => items)) {
      await fleet.kube.create(resourceType(object.kind as Kind), asSaved(object)).catch((error: unknown) => {
        if (!(error instanceof ApiError && error.reason === "AlreadyExists")) throw error;
      });
    }
    await fleet.until("in service", () => fleet.inService() === 3 && fleet.contradictions().length === 0, 60_000);
    await fleet.advance(30_000);
    expect(machines()).toEqual(before);
  });
});

/** What people write and a controller has changed the spec of: nothing, or their next apply would change it back. */
function rewritten(fleet: Fleet): readonly string[] {
  const theirs = new Set(["NodeGroup", "ScalePolicy", "LaunchConfig"]);
  expect(fleet.writes.some(({ object }) => object.kind === "NodeGroup")).toBe(true);
  return fleet.writes
    .filter(({ object, previous }) => theirs.has(object.kind) && previous !== undefined)
    .filter(({ object, previous }) => !isDeepStrictEqual(object["spec"], previous?.["spec"]))
    .map(({ key }) => `${key.resource}/${key.name}`);
}
