/** Objects that are restored from a backup, any of them in any order: the same machines run before and after. */
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { type Kind, resourceType } from "../../../crds/names.ts";
import { ApiError, type KubernetesObject } from "../../../runtime/kubernetes-api.ts";
import { asSaved, Fleet, namespace } from "../../support/fleet.ts";
import { seededRandom } from "../../support/random.ts";

const kinds: readonly Kind[] = ["LaunchConfig", "ScalePolicy", "NodeGroup", "LaunchBatch", "StreamNode"];

interface Restoring {
  readonly owners?: boolean;
  readonly status?: boolean;
}

let fleet: Fleet;
beforeEach(async () => {
  fleet = await Fleet.example();
});
afterEach(() => fleet.close());

async function inService(): Promise<void> {
  await fleet.until("in service", () => fleet.inService() === 3, 15_000);
}

/** Every object of ours, with UIDs and all. */
async function everything(): Promise<readonly KubernetesObject[]> {
  const lists = await Promise.all(kinds.map((kind) => fleet.kube.list(resourceType(kind), { namespace })));
  return lists.flatMap(({ items }) => items);
}

/** Creates the object, and writes its status where the backup restores that too. What is there already stays. */
async function restore(object: KubernetesObject, { owners = true, status = false }: Restoring = {}): Promise<void> {
  const type = resourceType(object.kind as Kind);
  const saved = asSaved(object, { owners });
  try {
    await fleet.kube.create(type, saved);
    if (status && saved["status"] !== undefined) {
      const address = { namespace, name: saved.metadata.name };
      await fleet.kube.mergePatch(type, address, { status: saved["status"] }, { subresource: "status" });
    }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  }
}

async function emptyCluster(): Promise<void> {
  fleet.kill();
  fleet.wipeObjects();
  await fleet.start();
  fleet.forgetWrites();
}

/** A cloud forgets machines that are gone. */
const machines = () => fleet.machinesLeft().map(({ providerId, state }) => `${providerId} ${state}`);

/** The same machines run as before, and none was launched or ended for a moment. */
async function expectSameMachines(before: readonly string[], nodes = 3): Promise<void> {
  await fleet.until("in service", () => fleet.inService() === nodes && fleet.contradictions().length === 0, 300_000);
  await fleet.advance(150_000);
  expect(machines()).toEqual(before);
  expect(fleet.cloud.machines().map(({ providerId }) => providerId)).toEqual(
    fleet.machinesLeft().map(({ providerId }) => providerId),
  );
  expect(fleet.cloudCalls.get("terminate")).toBeUndefined();
  expect(fleet.contradictions()).toEqual([]);
  expect(fleet.inService()).toBe(nodes);
}

function shuffled<T>(items: readonly T[], random: () => number): readonly T[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

const ways: readonly Restoring[] = [
  { owners: true, status: false },
  { owners: false, status: false },
  { owners: true, status: true },
  { owners: false, status: true },
];

describe("a backup that is restored into an empty cluster", () => {
  it.each(ways)("in the order of kubectl, with %j", async (way) => {
    await inService();
    const before = machines();
    const backup = await everything();
    await emptyCluster();
    for (const object of backup) await restore(object, way);
    await expectSameMachines(before);
  });

  it.each(ways.map((way, seed) => ({ ...way, seed })))("in any order, some of it, slowly: %j", async (way) => {
    await inService();
    const before = machines();
    const random = seededRandom(way.seed + 1);
    const backup = await everything();
    const people = backup.filter(({ kind }) => kind !== "LaunchBatch" && kind !== "StreamNode");
    const ours = backup.filter((object) => !people.includes(object) && random() < 0.7);
    await emptyCluster();
    for (const object of shuffled([...people, ...ours], random)) {
      await restore(object, way);
      await fleet.advance(Math.floor(random() * 4_000));
    }
    await expectSameMachines(before);
  });

  it.each(ways)("taken while the launches were under way, with %j", async (way) => {
    await fleet.until("committed", () => fleet.batches().length === 2 && fleet.nodes().length > 0);
    const backup = await everything();
    await inService();
    const before = machines();
    await fleet.advance(600_000);
    await emptyCluster();
    for (const object of backup.toReversed()) await restore(object, way);
    await fleet.advance(5_000);
    for (const object of backup) await restore(object, way);
    await expectSameMachines(before);
  });

  it("long after nodes of it were scaled in", async () => {
    await inService();
    await fleet.limit("edge", 4, 4);
    await fleet.until("4 edges", () => fleet.inService("edge") === 4, 30_000);
    const backup = await everything();
    await fleet.limit("edge", 2, 2);
    await fleet.until("2 edges", () => fleet.nodes("edge").length === 2, 120_000);
    const before = machines();
    const policy = await fleet.kube.get(resourceType("ScalePolicy"), { namespace, name: "live" });
    await emptyCluster();
    for (const object of [...backup.filter(({ kind }) => kind !== "ScalePolicy"), policy])
      await restore(object, { owners: false, status: true });
    await expectSameMachines(before);
  });
});

describe("a backup that is restored into a living cluster", () => {
  it.each(ways)("brings no machine and ends none, with %j", async (way) => {
    await inService();
    const before = machines();
    const backup = await everything();
    await fleet.advance(600_000);
    fleet.forgetWrites();
    for (const object of backup) await restore(object, way);
    await expectSameMachines(before);
  });

  it.each(ways)("brings back batches that were deleted, and none of them launches, with %j", async (way) => {
    await fleet.until("committed", () => fleet.batches().length === 2);
    const backup = (await everything()).filter(({ kind }) => kind === "LaunchBatch");
    await inService();
    for (const { metadata } of fleet.batches()) await fleet.delete("LaunchBatch", metadata.name);
    await fleet.advance(600_000);
    const before = machines();
    fleet.forgetWrites();
    for (const object of backup) await restore(object, way);
    await fleet.until("given up", () =>
      fleet.batches().every(({ status }) => status?.members?.length === 2 || status?.members?.length === 1),
    );
    await expectSameMachines(before);
    expect(fleet.cloudCalls.get("launch")).toBeUndefined();
  });

  it("a moment after they were decided: the cloud knows their call", async () => {
    await fleet.until("committed", () => fleet.batches().length === 2);
    const backup = (await everything()).filter(({ kind }) => kind === "LaunchBatch");
    await inService();
    const before = machines();
    for (const { metadata } of fleet.batches()) await fleet.delete("LaunchBatch", metadata.name);
    fleet.forgetWrites();
    for (const object of backup) await restore(object);
    await expectSameMachines(before);
  });

  it.each(ways)("brings back nodes whose machines are gone: they go, and no other does, with %j", async (way) => {
    await inService();
    await fleet.limit("edge", 4, 4);
    await fleet.until("4 edges", () => fleet.inService("edge") === 4, 30_000);
    const backup = (await everything()).filter(({ kind }) => kind === "StreamNode");
    await fleet.limit("edge", 2, 2);
    await fleet.until("2 edges", () => fleet.nodes("edge").length === 2, 120_000);
    const before = machines();
    fleet.forgetWrites();
    for (const object of backup) await restore(object, way);
    await fleet.until("they are gone", () => fleet.nodes("edge").length === 2, 300_000);
    await expectSameMachines(before);
  });

  it("beside a group that was made again meanwhile", async () => {
    await inService();
    const before = machines();
    const backup = await everything();
    await emptyCluster();
    await fleet.applyExample();
    await fleet.until("in service", () => fleet.inService() === 3, 60_000);
    for (const object of backup) await restore(object, { owners: false, status: true });
    await expectSameMachines(before);
  });
});
