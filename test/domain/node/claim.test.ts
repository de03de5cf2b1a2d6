/** Whose a StreamNode is, and what its deletion may end. */
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { NodeGroup } from "../../../crds/node-group.ts";
import { type StreamNode, streamNodeSchema } from "../../../crds/stream-node.ts";
import { isClaimed, standingOf, titleTo } from "../../../domain/node/claim.ts";
import type { Machine } from "../../../domain/node/machine.ts";
import { toTags } from "../../../domain/node/ownership.ts";
import { machine, owner } from "../../support/domain-values.ts";
import { nodeGroup } from "../../support/resources.ts";

const clusterId = "cluster-1";
const time = "2026-01-01T00:00:00Z";
const group = nodeGroup();
const goingGroup: NodeGroup = { ...group, metadata: { ...group.metadata, deletionTimestamp: time } };
const otherGroup: NodeGroup = { ...group, metadata: { ...group.metadata, uid: "uid-later" } };

interface Form {
  readonly name?: string;
  readonly uid?: string;
  readonly claimedUid?: string | undefined;
  readonly deleting?: boolean;
  readonly namespace?: string;
  readonly owners?: readonly string[];
  readonly createdAt?: string;
  readonly spec?: Readonly<Record<string, unknown>>;
}

function node({ name = "live-edge-0", uid = "uid-node", ...form }: Form = {}): StreamNode {
  const { owners = [group.metadata.uid], deleting = false, namespace = "default", createdAt = time, spec } = form;
  const claimedUid = "claimedUid" in form ? form.claimedUid : uid;
  const reference = { apiVersion: "streamfleet.dev/v1alpha1", kind: "NodeGroup", name: "live" };
  return streamNodeSchema.parse({
    metadata: {
      ...{ name, namespace, uid, resourceVersion: "1", creationTimestamp: createdAt },
      ownerReferences: owners.map((ownerUid) => ({ ...reference, uid: ownerUid })),
      ...(deleting && { deletionTimestamp: time }),
    },
    spec: {
      ...{ group: "live", groupUid: group.metadata.uid, role: "edge", slot: 0, region: "region-a", index: 0 },
      ...{ batch: "live-edge-b1", providerId: "m-1" },
      launch: {
        ...{ launchConfig: "live", revision: "r1", platform: "simulated", image: "media-1" },
        ...{ instanceType: "small", connectionCapacity: 100, registrationTimeoutSeconds: 150 },
      },
      ...spec,
    },
    status: { ...(claimedUid !== undefined && { claimedUid }) },
  });
}

const tagged = (change: Parameters<typeof owner>[0] = {}): Machine => machine({ tags: toTags(owner(change), {}) });

function standing(one: StreamNode, change: Partial<Parameters<typeof standingOf>[1]> = {}) {
  return standingOf(one, { group, machine: tagged(), rivals: [], clusterId, ...change });
}

function title(one: StreamNode, change: Partial<Parameters<typeof titleTo>[1]> = {}) {
  return titleTo(one, { machine: tagged(), rivals: [], clusterId, ...change });
}

describe("the standing of a StreamNode", () => {
  it.each([
    ["ours, once it is claimed", {}, {}],
    ["ours, before its machine is seen again", {}, { machine: undefined }],
    [
      "ours, while it has no machine",
      { claimedUid: undefined, spec: { providerId: undefined } },
      { machine: undefined },
    ],
    ["ours, by its machine's tags", { claimedUid: undefined }, {}],
    ["ours, while it is deleted", { deleting: true }, {}],
    ["ours, while its group is deleted", {}, { group: goingGroup }],
    ["ours, without owners while its group stays: they are given back", { owners: [] }, {}],
    ["ours, of a version without the group's UID", { spec: { groupUid: undefined } }, {}],
    ["ours, whatever its machine's tags have become", {}, { machine: tagged({ group: "other" }) }],
  ] as const)("is %s", (_name, form, change) => {
    expect(standing(node(form), change)).toEqual({ kind: "Claimed" });
  });

  it("is open before its machine's tags have been seen", () => {
    expect(standing(node({ claimedUid: undefined }), { machine: undefined })).toEqual({ kind: "Unclaimed" });
    expect(standing(node({ claimedUid: "uid-of-the-original" }), { machine: undefined })).toEqual({
      kind: "Unclaimed",
    });
  });

  it.each([
    ["there is no group", "NoGroup", true, {}, { group: undefined }],
    ["there is no group, and it is deleted", "NoGroup", true, { deleting: true }, { group: undefined }],
    ["the group is a later one", "OtherGroup", false, {}, { group: otherGroup }],
    ["it names no group's UID at all", "OtherGroup", false, { owners: [], spec: { groupUid: undefined } }, {}],
    [
      "its owners were restored, and its spec is of an earlier group",
      "OtherGroup",
      false,
      { spec: { groupUid: "u0" } },
      {},
    ],
    ["its name is not that of its slot", "OtherName", false, { name: "live-edge-7" }, {}],
    ["its group goes without it", "LostOwner", true, { owners: [] }, { group: goingGroup }],
    ["it is deleted and has lost its owner", "LostOwner", true, { owners: [], deleting: true }, {}],
    ["it is deleted and another owns it", "LostOwner", true, { owners: ["uid-before"], deleting: true }, {}],
    ["it is deleted and was never claimed", "NotAdopted", false, { claimedUid: undefined, deleting: true }, {}],
    ["it is deleted and its claim is the original's", "NotAdopted", false, { claimedUid: "uid-0", deleting: true }, {}],
    [
      "its machine is another group's",
      "TagsDiffer",
      false,
      { claimedUid: undefined },
      { machine: tagged({ group: "other" }) },
    ],
    [
      "its machine is of another cluster",
      "TagsDiffer",
      false,
      { claimedUid: undefined },
      { machine: tagged({ clusterId: "c" }) },
    ],
    ["its machine has no tags of ours", "TagsDiffer", false, { claimedUid: undefined }, { machine: machine() }],
    [
      "a claimed node has its machine",
      "HeldByAnother",
      false,
      { claimedUid: undefined },
      { rivals: [node({ name: "live-edge-1", uid: "u1", spec: { slot: 1 } })] },
    ],
  ] as const)("is none of ours where %s", (_name, reason, stays, form, change) => {
    expect(standing(node(form), change)).toMatchObject({ kind: "LetGo", reason, stays });
  });

  it("goes to the elder of two that are alike, and to the claimed one before that", () => {
    const elder = node({ name: "live-edge-1", uid: "u1", createdAt: "2025-12-31T00:00:00Z", spec: { slot: 1 } });
    const [young, claimed] = [{ ...elder, status: {} }, elder];
    expect(standing(node({ claimedUid: undefined }), { rivals: [young] })).toMatchObject({ reason: "HeldByAnother" });
    expect(standing(node(), { rivals: [claimed] })).toMatchObject({ reason: "HeldByAnother" });
    expect(standing(node(), { rivals: [young] })).toEqual({ kind: "Claimed" });
    expect(standing(elder, { rivals: [node()] })).toEqual({ kind: "Claimed" });
  });
});

describe("the title to a machine", () => {
  it("is proved by its own tags alone", () => {
    expect(title(node({ deleting: true }))).toEqual({ kind: "Proved" });
  });

  it("is open while they cannot be read", () => {
    expect(title(node({ deleting: true }), { machine: undefined })).toEqual({ kind: "Unread" });
  });

  it.each([
    ["another cluster", { clusterId: "theirs" }],
    ["another namespace", { namespace: "theirs" }],
    ["another group", { group: "theirs" }],
    ["another role", { role: "origin" }],
  ] as const)("is none where they name %s", (_name, change) => {
    expect(title(node(), { machine: tagged(change) })).toMatchObject({ kind: "LetGo", reason: "TagsDiffer" });
  });

  it("is none while another that they fit has it, claimed or not, deleted or not", () => {
    for (const form of [{}, { claimedUid: undefined }, { deleting: true }]) {
      const rival = node({ ...form, name: "live-edge-1", uid: "u1", spec: { slot: 1 } });
      expect(title(node(), { rivals: [rival] })).toMatchObject({ kind: "LetGo", reason: "HeldByAnother" });
    }
  });

  it("is not lost to another that they do not fit", () => {
    const strangers = [node({ uid: "u1", namespace: "other" }), node({ uid: "u2", spec: { groupUid: "u0" } })];
    expect(title(node(), { rivals: strangers })).toEqual({ kind: "Proved" });
  });
});

describe("whatever an object says", () => {
  const anyForm = fc.record({
    name: fc.constantFrom("live-edge-0", "live-edge-1"),
    claimedUid: fc.constantFrom("uid-node", "uid-0", undefined),
    deleting: fc.boolean(),
    namespace: fc.constantFrom("default", "other"),
    owners: fc.subarray([group.metadata.uid, "uid-before"]),
    spec: fc.constantFrom({}, { groupUid: undefined }, { groupUid: "uid-before" }, { role: "origin" }),
  });
  const anyGroup = fc.constantFrom(undefined, group, goingGroup, otherGroup);
  const anyTags = fc.constantFrom(tagged(), tagged({ namespace: "other" }), tagged({ role: "origin" }), machine());

  it("a machine ends only for a claimed node of the living group that its tags name", () => {
    fc.assert(
      fc.property(anyForm, anyGroup, anyTags, (form, living, seen) => {
        const one = node({ ...form, deleting: true });
        const stands = standingOf(one, { group: living, machine: seen, rivals: [], clusterId });
        if (stands.kind !== "Claimed" || title(one, { machine: seen }).kind !== "Proved") return;
        expect(isClaimed(one)).toBe(true);
        expect(living?.metadata.uid).toBe(group.metadata.uid);
        expect(form.name).toBe("live-edge-0");
        expect(form.owners).toContain(group.metadata.uid);
        expect(seen).toEqual(tagged({ namespace: form.namespace }));
      }),
    );
  });
});
