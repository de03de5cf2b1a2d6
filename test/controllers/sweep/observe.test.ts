/** What a machine without a node is compared with: the nodes of its group, on whatever platform. */
import { describe, expect, it } from "@jest/globals";
import { type AdoptionSources, adoptionFacts } from "../../../controllers/sweep/observe.ts";
import type { StreamNode } from "../../../crds/stream-node.ts";
import { adoptionOf } from "../../../domain/node/adoption.ts";
import { toTags } from "../../../domain/node/ownership.ts";
import { addMs } from "../../../domain/time.ts";
import { machine, owner } from "../../support/domain-values.ts";
import { streamNode } from "../../support/node-api.ts";
import { nodeGroup } from "../../support/resources.ts";

const group = nodeGroup();
const ours = machine({ tags: toTags(owner({ slots: [0] }), {}) });
const later = addMs(ours.launchedAt, 3_600_000);

/** The node `live-edge-0` of the group in namespace `default`. */
function holder(spec: Partial<StreamNode["spec"]> = {}): StreamNode {
  const node = streamNode();
  const { providerId, ...rest } = node.spec;
  return {
    ...node,
    metadata: { ...node.metadata, namespace: "default" },
    spec: { ...rest, groupUid: group.metadata.uid, ...(providerId !== undefined && { providerId }), ...spec },
  };
}

function verdictOn(nodes: readonly StreamNode[], now = later) {
  const cache = { get: () => group, list: () => [group] };
  const cluster = { nodeGroups: { cache } } as unknown as AdoptionSources["cluster"];
  const holdersOf = () => nodes.filter(({ spec }) => spec.providerId === ours.providerId);
  return adoptionOf(ours, adoptionFacts({ cluster, objectsOf: () => ({ nodes, batches: [] }), holdersOf }, now));
}

describe("a machine without a node", () => {
  it("finds its slot taken by a node on another platform, for they share their names", () => {
    const { launch } = holder().spec;
    const elsewhere = holder({ launch: { ...launch, platform: "aws" } });
    expect(verdictOn([elsewhere])).toMatchObject({ kind: "Adopt", slot: 1 });
    expect(verdictOn([elsewhere], ours.launchedAt)).toMatchObject({ kind: "Young" });
  });

  it("is not given to a node of an earlier group that waits for a machine", () => {
    const waiting = { ...holder().spec };
    delete waiting.providerId;
    const before = { ...holder(), spec: { ...waiting, groupUid: "uid-before" } };
    expect(verdictOn([before])).toMatchObject({ kind: "Adopt", slot: 1 });
    expect(verdictOn([{ ...before, spec: { ...waiting, groupUid: group.metadata.uid } }])).toMatchObject({
      kind: "Map",
      slot: 0,
    });
  });

  it("waits while a node of an earlier group has it", () => {
    expect(verdictOn([holder({ providerId: ours.providerId, groupUid: "uid-before" })])).toMatchObject({
      kind: "Former",
    });
    expect(verdictOn([holder({ providerId: ours.providerId })])).toEqual({ kind: "Known" });
  });

  it("is adopted though a node in another namespace or of another role has it", () => {
    const copy = holder({ providerId: ours.providerId });
    const elsewhere = { ...copy, metadata: { ...copy.metadata, namespace: "other" } };
    expect(verdictOn([elsewhere])).toMatchObject({ kind: "Adopt" });
    expect(verdictOn([holder({ providerId: ours.providerId, role: "origin" })])).toMatchObject({ kind: "Adopt" });
  });
});
