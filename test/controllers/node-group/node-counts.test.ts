/** The node counts of a group say what counting all of its nodes would say, whatever has happened to them. */
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { NodeCounters } from "../../../controllers/node-group/node-counts.ts";
import { NodeCounter } from "../../../domain/group/node-counts.ts";
import { phases, type Role } from "../../../crds/names.ts";
import { type StreamNode, streamNodeSchema } from "../../../crds/stream-node.ts";
import type { NodeCounts } from "../../../domain/scaling/decide-scaling.ts";
import type { ChangeHandler } from "../../../runtime/informer.ts";

interface Place {
  readonly group: string;
  readonly role: Role;
  readonly slot: number;
  readonly region: string;
}

const launch = {
  launchConfig: "live",
  revision: "r1",
  platform: "simulated",
  image: "media-1",
  instanceType: "sim.small",
  connectionCapacity: 100,
  registrationTimeoutSeconds: 150,
};
const groupReference = { apiVersion: "streamfleet.dev/v1alpha1", kind: "NodeGroup", uid: "uid-group" };
const edge: Place = { group: "live", role: "edge", slot: 0, region: "region-a" };

/** A node in a form that the counts have to tell apart from others. */
interface Form {
  readonly phase?: string;
  readonly draining?: boolean;
  readonly deleting?: boolean;
  /** A copy, or one that was made just now. */
  readonly unclaimed?: boolean;
  /** Its owner reference was taken away. */
  readonly lost?: boolean;
  readonly capacity?: number;
  readonly zone?: string;
}

function nodeOf(place: Place, form: Form = {}): StreamNode {
  const { group, role, slot } = place;
  const time = "2026-01-01T00:00:00Z";
  const metadata = { name: `${group}-${role}-${slot}`, namespace: "default", resourceVersion: "1" };
  return streamNodeSchema.parse({
    metadata: {
      ...metadata,
      uid: `uid-${metadata.name}`,
      creationTimestamp: time,
      ownerReferences: form.lost === true ? [] : [{ ...groupReference, name: group }],
      ...(form.deleting === true && { deletionTimestamp: time }),
    },
    spec: {
      ...place,
      groupUid: groupReference.uid,
      ...{ batch: `${group}-${role}-b${slot + 1}`, batchUid: `batch-${slot}`, index: 0 },
      launch: { ...launch, connectionCapacity: form.capacity ?? 100 },
      ...(form.draining === true && { drain: { reason: "ScaleIn", at: time } }),
    },
    status: {
      ...(form.unclaimed !== true && { claimedUid: `uid-${metadata.name}` }),
      ...(form.phase !== undefined && { phase: form.phase, machine: machineIn(form.zone) }),
    },
  });
}

function machineIn(zone = "zone-a") {
  return { state: "Running", zone, launchedAt: "2026-01-01T00:00:00Z" };
}

/** A local copy to which a test does things. */
class Copy {
  readonly nodes = new Map<string, StreamNode>();
  readonly #handlers: ChangeHandler<StreamNode>[] = [];

  onChange(handler: ChangeHandler<StreamNode>): () => void {
    this.#handlers.push(handler);
    return () => undefined;
  }

  put(object: StreamNode): void {
    const key = `default/${object.metadata.name}`;
    const old = this.nodes.get(key);
    this.nodes.set(key, object);
    for (const tell of this.#handlers)
      tell(old === undefined ? { kind: "Added", key, object } : { kind: "Updated", key, object, old });
  }

  /** As an informer does: with a form of the object that nobody has seen before. */
  remove(object: StreamNode): void {
    const key = `default/${object.metadata.name}`;
    if (this.nodes.delete(key)) for (const tell of this.#handlers) tell({ kind: "Deleted", key, object });
  }
}

function sumOf({ inService, starting, draining, terminating }: NodeCounts): number {
  return inService + starting + draining + terminating;
}

describe("the class of a node", () => {
  it.each([
    ["in service", { phase: "InService" }, "inService"],
    ["starting while it has no phase", {}, "starting"],
    ["starting while it cannot be read", { phase: "Unknown" }, "starting"],
    ["draining, in service or not", { phase: "InService", draining: true }, "draining"],
    ["terminating by its phase", { phase: "Terminating", draining: true }, "terminating"],
    ["terminating once it is deleted", { phase: "InService", deleting: true }, "terminating"],
    ["starting while it is not claimed, whatever its status says", { phase: "InService", unclaimed: true }, "starting"],
    ["starting where it is deleted and was never claimed", { deleting: true, unclaimed: true }, "starting"],
    ["starting where it is deleted and its group is not its owner", { deleting: true, lost: true }, "starting"],
  ] as const)("is %s", (_name, form, expected) => {
    const counts = NodeCounter.of([nodeOf(edge, form)]).counts(edge);
    expect(counts).toEqual({ inService: 0, starting: 0, draining: 0, terminating: 0, [expected]: 1 });
  });
});

describe("the node counts of a group", () => {
  it("forgets a node in the form in which it was counted", () => {
    const copy = new Copy();
    const book = new NodeCounters(copy);
    copy.put(nodeOf(edge, { phase: "InService" }));
    expect(book.ofGroup("default/live").regions()).toEqual(["region-a"]);
    copy.remove(nodeOf(edge, { phase: "Terminating", deleting: true }));
    const nodeCounts = book.ofGroup("default/live");
    expect(nodeCounts.counts(edge)).toEqual({ inService: 0, starting: 0, draining: 0, terminating: 0 });
    expect(nodeCounts.regions()).toEqual([]);
    expect(nodeCounts.usedSlot("edge", 0)).toBe(false);
  });

  it("is what counting all nodes gives, after whatever came, changed and went", () => {
    const anyPlace = fc.record({
      group: fc.constantFrom("live", "other"),
      role: fc.constantFrom<Role>("origin", "edge"),
      slot: fc.nat({ max: 3 }),
      region: fc.constantFrom("region-a", "region-b"),
    });
    const anyForm = fc.record(
      {
        phase: fc.constantFrom(...phases),
        draining: fc.boolean(),
        deleting: fc.boolean(),
        unclaimed: fc.boolean(),
        lost: fc.boolean(),
        capacity: fc.constantFrom(100, 300),
        zone: fc.constantFrom("zone-a", "zone-b"),
      },
      { requiredKeys: [] },
    );
    const anyAct = fc.record({ act: fc.constantFrom("put", "put", "remove"), place: anyPlace, form: anyForm });
    fc.assert(
      fc.property(fc.array(anyAct, { maxLength: 40 }), anyPlace, (acts, place) => {
        const copy = new Copy();
        const book = new NodeCounters(copy);
        for (const { act, place: at, form } of acts) copy[act === "put" ? "put" : "remove"](nodeOf(at, form));
        const nodes = [...copy.nodes.values()].filter(({ spec }) => spec.group === place.group);
        const [followed, counted] = [book.ofGroup(`default/${place.group}`), NodeCounter.of(nodes)];
        expect(followed.counts(place)).toEqual(counted.counts(place));
        expect(followed.regions().toSorted()).toEqual(counted.regions().toSorted());
        expect(followed.usedSlot(place.role, place.slot)).toBe(counted.usedSlot(place.role, place.slot));
        expect(followed.largestCapacity(place)).toBe(counted.largestCapacity(place));
        expect(new Map(followed.zones(place))).toEqual(new Map(counted.zones(place)));
        expect(followed.unclaimed(place)).toBe(counted.unclaimed(place));
        expect(followed.starting(place)).toHaveLength(counted.counts(place).starting);
        const held = nodes.some(({ spec }) => spec.role === place.role && spec.slot === place.slot);
        expect(counted.usedSlot(place.role, place.slot)).toBe(held);
        const total = nodes.filter(({ spec }) => spec.role === place.role && spec.region === place.region).length;
        expect(sumOf(followed.counts(place))).toBe(total);
      }),
    );
  });

  it("remembers which nodes of a batch it has seen, and every number that a node has named, also when they have gone", () => {
    const copy = new Copy();
    const book = new NodeCounters(copy);
    const [first, second] = [nodeOf(edge), nodeOf({ ...edge, slot: 1 }, { phase: "InService" })];
    copy.put(first);
    copy.put(second);
    copy.remove(second);
    const nodeCounts = book.ofGroup("default/live");
    expect(nodeCounts.hasSeen("batch-1", 1)).toBe(true);
    expect(nodeCounts.hasSeen("batch-1", 0)).toBe(false);
    expect(nodeCounts.nextNumber("edge")).toBe(3);
    expect(nodeCounts.nextNumber("origin")).toBe(1);
  });

  it("knows what is coming, and the largest of those in service", () => {
    const nodeCounts = NodeCounter.of([
      nodeOf(edge, { phase: "Pending", capacity: 500 }),
      nodeOf({ ...edge, slot: 1 }, { phase: "InService", capacity: 200 }),
      nodeOf({ ...edge, slot: 2 }, { phase: "InService", capacity: 300 }),
      nodeOf({ ...edge, slot: 3 }, { phase: "InService", capacity: 900, draining: true }),
    ]);
    expect(nodeCounts.starting(edge)).toEqual([{ createdAt: Date.parse("2026-01-01T00:00:00Z"), capacity: 500 }]);
    expect(nodeCounts.largestCapacity(edge)).toBe(300);
  });
});
