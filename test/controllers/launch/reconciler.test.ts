/** From a batch that was created to its machines and nodes: what is called in which order, and what a crash leaves behind. */
import { afterEach, describe, expect, it } from "@jest/globals";
import { NotLeadingError } from "../../../fleet/leadership.ts";
import type { LaunchBatch } from "../../../crds/launch-batch.ts";
import type { PlatformError } from "../../../domain/launch/platform-error.ts";
import { type BatchOptions, type LaunchProcess, LaunchWorld, type WorldOptions } from "../../support/launch-world.ts";

let world: LaunchWorld;
let own: LaunchProcess;
afterEach(() => world.close());

async function open(options?: WorldOptions): Promise<void> {
  world = await LaunchWorld.open(options);
  own = await world.start();
}

/** A batch that this process has just created. */
async function handoff(options: BatchOptions): Promise<LaunchBatch> {
  const batch = await world.createBatch(options);
  await own.handOver(batch);
  return batch;
}

/** What there is, node by node: its machine, if that runs. */
async function machinesOfNodes(): Promise<readonly (string | undefined)[]> {
  const running = world.machines().map(({ providerId }) => providerId);
  return (await world.nodes()).map(({ spec: { providerId } }) => running.find((id) => id === providerId));
}

/** Every machine has one node, every node one machine, and there are so many. */
async function expectMachines(count: number): Promise<void> {
  const machines = world.machines().map(({ providerId }) => providerId);
  expect(machines).toHaveLength(count);
  expect([...(await machinesOfNodes())].sort()).toEqual([...machines].sort());
}

const refusal: PlatformError = { kind: "InsufficientCapacity", message: "full" };

describe("a batch that was just created with its call", () => {
  it("is launched before anything else is read or written", async () => {
    await open();
    await own.settle(await handoff({ count: 3 }));
    expect(own.calls[0]).toBe("launch");
    expect(own.calls.filter((call) => /^(get|list)/.test(call))).toEqual([]);
    await expectMachines(3);
  });

  it("makes each node with its machine in one write, where the cloud answers at once", async () => {
    await open();
    await own.settle(await handoff({ count: 50 }));
    expect(own.calls.filter((call) => call.endsWith("StreamNode"))).toEqual(Array(50).fill("create StreamNode"));
  });

  it("makes its nodes while the call is under way", async () => {
    await open({ callMs: 5_000 });
    const batch = await handoff({ count: 20 });
    void own.reconcile(batch);
    await world.clock.advance(2_000);
    expect(own.calls).toEqual(["launch", ...Array<string>(20).fill("create StreamNode")]);
    expect(world.machines()).toEqual([]);
    await world.clock.advance(5_000);
    await expectMachines(20);
    expect((await world.batch(batch)).status?.attempts).toMatchObject([
      { number: 1, outcome: "Launched", launched: 20, keyId: "k1" },
    ]);
  });

  it("is read from the cluster where the local copy knows more of it already", async () => {
    await open();
    const batch = await world.createBatch({ count: 1 });
    await world.patch("LaunchBatch", batch.metadata.name, { metadata: { labels: { changed: "yes" } } });
    await world.clock.advance(100);
    await own.handOver(batch);
    await own.settle(batch);
    expect(own.calls[0]).toBe("get LaunchBatch");
    await expectMachines(1);
  });

  it("is not launched for a group that is another of the same name", async () => {
    await open();
    const batch = await handoff({ count: 1 });
    await world.delete("NodeGroup", "live");
    await world.clock.advance(100);
    await own.reconcile(batch);
    expect(own.calls).not.toContain("launch");
  });

  it("is launched by the leader alone", async () => {
    await open();
    own.leads = false;
    await expect(own.reconcile(await handoff({ count: 1 }))).rejects.toThrow(NotLeadingError);
    expect(own.calls).not.toContain("launch");
  });

  it("is held by a pause of everything, and launched after it", async () => {
    await open();
    await world.patch("NodeGroup", "live", { spec: { pause: { mode: "Everything" } } });
    await world.clock.advance(100);
    const batch = await handoff({ count: 1 });
    await own.reconcile(batch);
    expect(own.calls).not.toContain("launch");
    await world.patch("NodeGroup", "live", { spec: { pause: null } });
    await own.settle(batch);
    await expectMachines(1);
  });
});

describe("a batch with its call that another process left", () => {
  it("is launched though the maximum leaves no room, for it may have been sent", async () => {
    await open();
    await world.patch("ScalePolicy", "live", { spec: { roles: [{ role: "edge", minLimit: 0, maxLimit: 1 }] } });
    await own.settle(await world.createBatch({ count: 2 }));
    expect(own.calls[0]).toBe("get LaunchBatch");
    await expectMachines(2);
  });

  it("is launched though the group is being deleted, and each machine has a node that ends it", async () => {
    await open();
    await world.patch("NodeGroup", "live", { metadata: { finalizers: ["streamfleet.dev/nodes"] } });
    const batch = await world.createBatch({ count: 2 });
    await world.delete("NodeGroup", "live");
    await own.settle(batch);
    await expectMachines(2);
  });

  it("is a new attempt after a refusal, committed first, and within the maximum", async () => {
    await open();
    world.platform.failNext("launch", refusal);
    const batch = await handoff({ count: 2 });
    await own.reconcile(batch);
    expect((await world.batch(batch)).status?.attempts).toMatchObject([{ number: 1, outcome: "Failed" }]);
    await world.patch("ScalePolicy", "live", { spec: { roles: [{ role: "edge", minLimit: 0, maxLimit: 1 }] } });
    await world.clock.advance(15_000);
    await own.settle(batch);
    const { status } = await world.batch(batch);
    expect(status?.attempts?.map(({ number, outcome }) => [number, outcome])).toEqual([
      [1, "Failed"],
      [2, "Launched"],
    ]);
    expect(status?.members?.map(({ outcome }) => outcome)).toEqual(["Launched", "Abandoned"]);
    expect(world.machines()).toHaveLength(1);
  });

  it("is sent again when the answer was lost, and finds the same machines", async () => {
    await open();
    world.platform.loseAnswer("launch", 2);
    const batch = await handoff({ count: 2 });
    await own.reconcile(batch);
    expect((await world.batch(batch)).status?.attempts).toMatchObject([
      { number: 1, outcome: "Pending", error: "Unavailable" },
    ]);
    expect((await world.nodes()).length).toBe(2);
    await own.settle(batch);
    await expectMachines(2);
  });
});

describe("a slot that another node holds", () => {
  it("is settled as taken, and its machine is left to the sweep", async () => {
    await open();
    const first = await world.createBatch({ count: 1 });
    await own.settle(first);
    const [node] = await world.nodes();
    const batch = await world.createBatch({ count: 2 });
    const { apiVersion, kind, metadata, spec } = {
      apiVersion: "streamfleet.dev/v1alpha1",
      kind: "StreamNode",
      ...node!,
    };
    const intruder = { name: "live-edge-1", namespace: metadata.namespace };
    await world.kube.create(
      { group: "streamfleet.dev", version: "v1alpha1", kind, plural: "streamnodes", namespaced: true },
      { apiVersion, kind, metadata: intruder, spec: { ...spec, slot: 1, providerId: "m-other" } },
    );
    await own.handOver(batch);
    await own.settle(batch);
    expect((await world.batch(batch)).status?.members).toMatchObject([
      { slot: 1, outcome: "Taken" },
      { slot: 2, outcome: "Launched" },
    ]);
    expect((await world.nodes())[1]?.spec.providerId).toBe("m-other");
    expect(world.machines()).toHaveLength(3);
  });
});

describe("a process that is killed", () => {
  it.each([
    ["Before", 0],
    ["After", 0],
    ["Before", 5_000],
    ["After", 5_000],
  ] as const)(
    "%s any of its calls launches each machine once, with calls to the cloud of %d ms",
    async (moment, callMs) => {
      await open({ callMs });
      const startCalls = moment === "Before" ? own.lifeline.calls : 0;
      let lives = false;
      let launches = 0;
      for (; !lives; launches += 1) {
        own.kill();
        own = await world.start({ call: startCalls + launches + 1, moment });
        const batch = await handoff({ count: 3 });
        lives = await own.settle(batch);
        if (!lives) own = await world.start();
        expect(await own.settle(batch)).toBe(true);
        await expectMachines(3 * (launches + 1));
        const { status } = await world.batch(batch);
        expect(status?.members?.map(({ outcome }) => outcome)).toEqual(Array(3).fill("Launched"));
      }
      expect(launches).toBeGreaterThan(5);
    },
  );

  it("is followed by two that both send, and both are answered the same machines", async () => {
    await open({ callMs: 1_000 });
    const batch = await handoff({ count: 4 });
    const other = await world.start();
    void own.reconcile(batch);
    await Promise.all([other.settle(batch), own.settle(batch)]);
    await expectMachines(4);
  });
});
