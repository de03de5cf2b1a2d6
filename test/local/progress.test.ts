import { describe, expect, it } from "@jest/globals";
import type { NodeGroup } from "../../crds/node-group.ts";
import type { StreamNode } from "../../crds/stream-node.ts";
import { showProgress, type WaitingGroup } from "../../local/progress.ts";
import type { ChangeHandler } from "../../runtime/informer.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";
import { streamNode } from "../support/node-api.ts";
import { nodeGroup } from "../support/resources.ts";

/** Something to listen to; says how many do. */
class Source<T> {
  readonly handlers = new Set<ChangeHandler<T>>();
  readonly on = (handler: ChangeHandler<T>): (() => void) => {
    this.handlers.add(handler);
    return () => this.handlers.delete(handler);
  };
  updated(old: T, object: T): void {
    for (const handler of this.handlers) handler({ kind: "Updated", key: "", object, old });
  }
}

function group(ready: "True" | "False"): NodeGroup {
  const transition = { lastTransitionTime: "2026-01-01T00:00:00Z", reason: "Any", message: "any" };
  return { ...nodeGroup(), status: { conditions: [{ type: "Ready", status: ready, ...transition }] } };
}

function setUp() {
  const [nodes, groups, clock, end] = [
    new Source<StreamNode>(),
    new Source<NodeGroup>(),
    new FakeClock(),
    new AbortController(),
  ];
  const lines: string[] = [];
  const world = { groups: [] as NodeGroup[], isOver: false, waiting: [] as readonly WaitingGroup[] };
  const options = { clock, write: (line: string) => lines.push(line), onNode: nodes.on, onGroup: groups.on };
  void showProgress({ ...options, groups: () => world.groups }, end.signal).then((waiting) =>
    Object.assign(world, { isOver: true, waiting }),
  );
  return { nodes, groups, clock, end, lines, world };
}

describe("the progress of a start", () => {
  it("is one line for each change of a node, with the time since the start", async () => {
    const { nodes, clock, lines } = setUp();
    const pending = streamNode();
    nodes.updated(pending, pending);
    await clock.advance(1_500);
    nodes.updated(pending, pending);
    nodes.updated(pending, streamNode({ status: { phase: "InService" } }));
    expect(lines).toEqual([
      "  0.0 s  live-edge-0          Pending      its machine is being launched",
      "  1.5 s  live-edge-0          InService    i-1",
    ]);
  });

  it("is over when every group is ready, and listens no more", async () => {
    const { nodes, groups, world } = setUp();
    world.groups = [group("True"), group("False")];
    groups.updated(group("False"), group("True"));
    await settle();
    expect(world.isOver).toBe(false);
    world.groups = [group("True"), group("True")];
    groups.updated(group("False"), group("True"));
    await settle();
    expect([world.isOver, nodes.handlers.size, groups.handlers.size]).toEqual([true, 0, 0]);
  });

  const transition = { lastTransitionTime: "2026-01-01T00:00:00Z", observedGeneration: 3 };
  function waits(type: string, status: "True" | "False", reason: string, observedGeneration = 3): NodeGroup {
    const unready = {
      ...transition,
      type: "Ready",
      status: "False",
      reason: "BelowMinimum",
      message: "0 of 2",
    } as const;
    const conditions = [
      unready,
      { ...transition, type, status, reason, message: `why: ${reason}`, observedGeneration },
    ];
    const { metadata, ...rest } = nodeGroup();
    return { ...rest, metadata: { ...metadata, name: "rehearsal", generation: 3 }, status: { conditions } };
  }

  it.each([
    ["is paused", waits("Paused", "True", "EverythingPaused")],
    ["refers to what is not there", waits("ReferencesResolved", "False", "NotFound")],
    ["cannot launch", waits("LaunchesFailing", "True", "LaunchFailed")],
  ])("is over as well when a group %s, and says why it waits", async (_name, other) => {
    const { groups, world } = setUp();
    world.groups = [group("True"), other];
    groups.updated(group("False"), group("True"));
    await settle();
    expect(world.isOver).toBe(true);
    expect(world.waiting).toEqual([{ name: "rehearsal", why: `why: ${other.status?.conditions?.[1]?.reason ?? ""}` }]);
  });

  it.each([
    ["only its scaling is paused", waits("Paused", "True", "ScalingPaused")],
    ["its pause was of an earlier spec", waits("Paused", "True", "EverythingPaused", 2)],
    ["nothing holds it", waits("Paused", "False", "NotPaused")],
  ])("goes on while a group is on its way: %s", async (_name, other) => {
    const { groups, world } = setUp();
    world.groups = [group("True"), other];
    groups.updated(group("False"), group("True"));
    await settle();
    expect(world.isOver).toBe(false);
  });

  it("is over when the person has seen enough", async () => {
    const { nodes, groups, world, end } = setUp();
    end.abort();
    await settle();
    expect([world.isOver, nodes.handlers.size, groups.handlers.size]).toEqual([true, 0, 0]);
  });
});
