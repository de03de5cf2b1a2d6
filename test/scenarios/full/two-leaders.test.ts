/** Two processes lead at once for 60 s, one of them on what the cluster looked like before. */
import { afterEach, describe, expect, it } from "@jest/globals";
import { Fleet } from "../../support/fleet.ts";
import type { OperatorProcess } from "../../support/operator-process.ts";

let fleet: Fleet;
afterEach(() => fleet.close());

const togetherMs = 60_000;

interface Cut {
  readonly name: string;
  /** Whether the stale leader's gets and lists are of the past, too; else only its watches tell nothing new. */
  readonly reads: boolean;
}

const cuts: readonly Cut[] = [
  { name: "whose informers stopped", reads: false },
  { name: "that reads only the past", reads: true },
];

/** Slots for which two machines were launched though the first one was still wanted. */
function slotsTwice(): readonly string[] {
  const nodes = fleet.nodes().filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const names = nodes.map(({ metadata }) => metadata.name);
  return names.filter((name, place) => names.indexOf(name) !== place);
}

/** Cuts the process off from the news, as the cluster is now. */
function cutOff(stale: OperatorProcess, { reads }: Cut): void {
  const past = fleet.snapshot();
  stale.lifeline.cutOff({ reads: reads ? past : undefined, watches: past });
}

/** Starts a second leader, cuts it off, and has both lead while `act` changes the world. */
async function together(
  cut: Cut,
  maxima: { readonly edge: number; readonly origin: number },
  act: () => Promise<void>,
) {
  const first = fleet.process;
  const stale = await fleet.start({ reports: first.reports, latencyMs: () => 2 });
  const wrong = fleet.guard(maxima);
  cutOff(stale, cut);
  await act();
  await fleet.advance(togetherMs);
  expect(wrong()).toEqual([]);
  expect(slotsTwice()).toEqual([]);
  stale.kill();
  return wrong;
}

async function expectCalm(edges: number): Promise<void> {
  await fleet.until(
    "in service",
    () => fleet.inService("edge") === edges && fleet.nodes("edge").length === edges,
    60_000,
  );
  await fleet.advance(10_000);
  expect(fleet.contradictions()).toEqual([]);
}

describe.each(cuts)("a second leader $name", (cut) => {
  it("on an empty cluster launches nothing twice", async () => {
    fleet = new Fleet();
    await fleet.start();
    await fleet.applyExample();
    await fleet.limit("edge", 5, 5);
    await together(cut, { edge: 5, origin: 4 }, () => Promise.resolve());
    await expectCalm(5);
    expect(fleet.cloud.machines()).toHaveLength(6);
  });

  it("in the middle of a launch launches nothing twice", async () => {
    fleet = await Fleet.example();
    await fleet.limit("edge", 6, 6);
    fleet.platform.loseAnswer("launch", 3);
    await fleet.until("nodes", () => fleet.nodes("edge").length > 2);
    await together(cut, { edge: 6, origin: 4 }, () => Promise.resolve());
    await expectCalm(6);
    expect(fleet.cloud.machines()).toHaveLength(7);
  });

  it("keeps the maximum while machines are lost", async () => {
    fleet = await Fleet.example();
    await fleet.limit("edge", 4, 4);
    await fleet.until("in service", () => fleet.inService() === 5, 30_000);
    await together(cut, { edge: 4, origin: 4 }, async () => {
      fleet.cloud.kill(fleet.machineOf("live-edge-1").providerId);
      await fleet.advance(5_000);
      fleet.cloud.stop(fleet.machineOf("live-edge-3").providerId);
      await fleet.advance(5_000);
      await fleet.delete("StreamNode", "live-edge-0");
    });
    await expectCalm(4);
  });

  it("keeps the maximum when it is lowered, and launches what the new policy wants", async () => {
    fleet = await Fleet.example();
    await fleet.limit("edge", 4, 4);
    await fleet.until("in service", () => fleet.inService() === 5, 30_000);
    await together(cut, { edge: 4, origin: 4 }, async () => {
      await fleet.limit("edge", 2, 2);
      for (const name of ["live-edge-0", "live-edge-1", "live-edge-2"]) {
        fleet.cloud.kill(fleet.machineOf(name).providerId);
      }
      await fleet.advance(1);
      const wrong = fleet.guard({ edge: 2 });
      await fleet.advance(togetherMs);
      expect(wrong()).toEqual([]);
    });
    await expectCalm(2);
    expect(fleet.machines("edge")).toHaveLength(2);
  });

  it("alone does not carry out what has been taken back", async () => {
    fleet = await Fleet.example();
    await fleet.until("in service", () => fleet.inService() === 3, 30_000);
    for (const zone of ["a", "b", "c"]) fleet.cloud.setCapacity(`eu-west-1${zone}`, 0);
    await fleet.limit("edge", 6, 6);
    await fleet.until("refused", () => fleet.condition("LaunchesFailing")?.status === "True");
    fleet.kill();
    cutOff(await fleet.start(), cut);
    await fleet.limit("edge", 2, 2);
    const wrong = fleet.guard({ edge: 2 });
    for (const zone of ["a", "b", "c"]) fleet.cloud.setCapacity(`eu-west-1${zone}`, 100);
    await fleet.advance(togetherMs);
    expect(wrong()).toEqual([]);
  });

  it("keeps the maximum when the minimum is raised to it", async () => {
    fleet = await Fleet.example();
    await fleet.until("in service", () => fleet.inService() === 3, 30_000);
    await together(cut, { edge: 20, origin: 4 }, () => fleet.limit("edge", 20, 20));
    await expectCalm(20);
    expect(fleet.cloud.machines()).toHaveLength(21);
  });

  it("leaves a group that was paused or deleted meanwhile alone", async () => {
    fleet = await Fleet.example();
    await fleet.until("in service", () => fleet.inService() === 3, 30_000);
    await together(cut, { edge: 2, origin: 4 }, async () => {
      await fleet.delete("NodeGroup", "live");
      await fleet.until("gone", () => fleet.objects().length === 2, 60_000);
    });
    await fleet.advance(30_000);
    expect(fleet.objects()).toHaveLength(2);
    expect(fleet.machinesLeft()).toEqual([]);
  });
});

describe("a leader whose informers stopped", () => {
  it("commits nothing that the cluster no longer asks for", async () => {
    fleet = await Fleet.example();
    await fleet.until("in service", () => fleet.inService() === 3, 30_000);
    fleet.kill();
    fleet.platform.outage(true);
    await fleet.limit("edge", 6, 6);
    cutOff(await fleet.start(), { name: "", reads: false });
    await fleet.limit("edge", 2, 2);
    fleet.platform.outage(false);
    fleet.forgetWrites();
    await fleet.advance(togetherMs);
    expect(fleet.writesInWords().filter((write) => write.startsWith("ADDED"))).toEqual([]);
    expect(fleet.machines("edge")).toHaveLength(2);
  });
});

describe("leader election", () => {
  it("hands over when the leader is killed, within the lease", async () => {
    fleet = new Fleet();
    const first = await fleet.start({ election: true, identity: "first" });
    await fleet.start({ election: true, identity: "second", reports: first.reports });
    await fleet.applyExample();
    await fleet.until("in service", () => fleet.inService() === 3, 30_000);
    first.kill();
    fleet.cloud.kill(fleet.machineOf("live-edge-0").providerId);
    await fleet.until("replaced", () => fleet.inService("edge") === 2 && fleet.contradictions().length === 0, 45_000);
    expect(fleet.cloud.machines()).toHaveLength(4);
  });

  it("waits for a listing of its own term before it launches", async () => {
    fleet = new Fleet();
    const first = await fleet.start({ election: true, identity: "first" });
    const second = await fleet.start({ election: true, identity: "second", reports: first.reports });
    await fleet.applyExample();
    await fleet.until("in service", () => fleet.inService() === 3, 30_000);
    fleet.platform.failNext("list", { kind: "Unavailable", message: "down" }, { times: 1_000_000 });
    first.kill();
    await fleet.limit("edge", 5, 5);
    await fleet.advance(60_000);
    expect(second.lifeline.hasDied()).toBe(false);
    expect(fleet.condition("Adopted")).toMatchObject({ status: "False", reason: "ListingFailed" });
    expect(fleet.machines("edge")).toHaveLength(2);
  });
});
