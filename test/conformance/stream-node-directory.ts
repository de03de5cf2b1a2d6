/** What a StreamNodeDirectory promises: one suite for what feeds it, an informer of a cluster or the nodes of a test. */
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { StreamNodeDirectory } from "../../fleet/stream-node-directory.ts";
import type { StreamNode } from "../../crds/stream-node.ts";
import { namespace, type NodeChange } from "../support/node-api.ts";

export interface DirectoryUnderTest {
  /** Follows a collection that was empty when it was read. */
  readonly directory: StreamNodeDirectory;
  /** Creates a node that the operator has made its own, and waits, as all of these do, until the directory knows. */
  create(change: NodeChange): Promise<void>;
  /** Creates one that somebody else wrote; `claimedUid`: what its status says. */
  createForeign(change: NodeChange, claimedUid?: string): Promise<void>;
  /** Writes that the cloud was told to terminate the machine; `claimedUid`: of which object; absent: of this one. */
  markToldToEnd(name: string, claimedUid?: string): Promise<void>;
  /** Marks a node as being deleted; it stays. */
  markDeleted(name: string): Promise<void>;
  /** Takes a node away, whether or not it was marked. */
  remove(name: string): Promise<void>;
  close(): Promise<void>;
}

/** The suite. `open` is called for each test. */
export function describeStreamNodeDirectory(open: () => Promise<DirectoryUnderTest>): void {
  describe("stream node directory", () => {
    let world: DirectoryUnderTest;
    let directory: StreamNodeDirectory;

    beforeEach(async () => {
      world = await open();
      directory = world.directory;
    });
    afterEach(() => world.close());

    const edge = (slot: number, spec: NodeChange["spec"] = {}): NodeChange => ({
      name: `live-edge-${slot}`,
      spec: { slot, index: slot, providerId: `i-${slot}`, ...spec },
    });
    const nameOf = (node: StreamNode | undefined): string | undefined => node?.metadata.name;

    it("has been read, and knows nothing", () => {
      expect(directory.hasSynced()).toBe(true);
      expect(directory.byName(namespace, "live-edge-0")).toBeUndefined();
      expect(directory.byMachine("simulated", "i-0")).toBeUndefined();
      expect(directory.ofGroup(namespace, "live")).toEqual([]);
    });

    it("finds nodes by name, by machine and by group", async () => {
      await world.create(edge(0));
      await world.create(edge(1));
      await world.create(edge(2, { group: "other" }));
      expect(nameOf(directory.byName(namespace, "live-edge-1"))).toBe("live-edge-1");
      expect(nameOf(directory.byMachine("simulated", "i-1"))).toBe("live-edge-1");
      expect(directory.ofGroup(namespace, "live").map(nameOf).sort()).toEqual(["live-edge-0", "live-edge-1"]);
    });

    it("finds the node that has taken the machine of one that is about to go", async () => {
      await world.create(edge(0, { providerId: "i-9" }));
      await world.create(edge(1, { providerId: "i-9" }));
      await world.markDeleted("live-edge-0");
      expect(nameOf(directory.byMachine("simulated", "i-9"))).toBe("live-edge-1");
      await world.remove("live-edge-1");
      expect(nameOf(directory.byMachine("simulated", "i-9"))).toBe("live-edge-0");
    });

    it("knows no node of a machine but one that the operator has made its own", async () => {
      await world.createForeign(edge(0));
      await world.createForeign(edge(1, { providerId: "i-0" }), "uid of the original");
      expect(directory.byMachine("simulated", "i-0")).toBeUndefined();
      await world.create(edge(2, { providerId: "i-0" }));
      expect(nameOf(directory.byMachine("simulated", "i-0"))).toBe("live-edge-2");
      expect(directory.ofGroup(namespace, "live")).toHaveLength(3);
    });

    it("remembers a node that it saw go after its machine was told to, and takes every other for lost", async () => {
      for (const slot of [0, 1, 2, 3]) await world.create(edge(slot));
      await world.markToldToEnd("live-edge-0");
      await world.markToldToEnd("live-edge-3", "another");
      for (const slot of [0, 2, 3]) await world.markDeleted(`live-edge-${slot}`);
      expect(directory.wasDeleted("simulated", "i-0")).toBe(false);
      for (const slot of [0, 1, 2, 3]) await world.remove(`live-edge-${slot}`);
      expect(directory.byMachine("simulated", "i-0")).toBeUndefined();
      expect(directory.ofGroup(namespace, "live")).toEqual([]);
      expect(directory.wasDeleted("simulated", "i-0")).toBe(true);
      for (const slot of [1, 2, 3]) expect(directory.wasDeleted("simulated", `i-${slot}`)).toBe(false);
    });

    it("tells who listens of each node that came, changed or went, once it can be looked up so", async () => {
      const told: string[] = [];
      const gone: string[] = [];
      const leave = directory.onChanged(({ metadata: { name, deletionTimestamp } }) => {
        const known = directory.byName(namespace, name) !== undefined;
        told.push(
          [name, known ? "known" : "unknown", ...(deletionTimestamp === undefined ? [] : ["marked"])].join(" "),
        );
      });
      directory.onDeleted(({ metadata }) => gone.push(metadata.name));
      await world.create(edge(0));
      await world.markDeleted("live-edge-0");
      expect(gone).toEqual([]);
      await world.remove("live-edge-0");
      // One change of a node may be told in steps.
      expect(told.filter((line, index) => line !== told[index - 1])).toEqual([
        "live-edge-0 known",
        "live-edge-0 known marked",
        "live-edge-0 unknown marked",
      ]);
      expect(gone).toEqual(["live-edge-0"]);
      leave();
      await world.create(edge(1));
      expect(told.filter((line) => line.startsWith("live-edge-1"))).toEqual([]);
    });

    it("tells a new listener what is known already", async () => {
      await world.create(edge(0));
      const told: string[] = [];
      directory.onChanged(({ metadata }) => told.push(metadata.name));
      expect(told).toEqual(["live-edge-0"]);
    });
  });
}
