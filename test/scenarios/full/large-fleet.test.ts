/** Thousands of nodes at 50 ms a call to the cluster: adopting them and ending them keeps what it has come to, and ends soon. */
import { afterEach, describe, expect, it } from "@jest/globals";
import { toTags } from "../../../domain/node/ownership.ts";
import { exampleManifests, Fleet, namespace } from "../../support/fleet.ts";
import { clusterId } from "../../support/operator-process.ts";

const nodes = 5_000;
const region = "eu-west-1";
const batchSize = 50;

let fleet: Fleet;
afterEach(() => fleet.close());

/** Machines of a group whose objects are lost. */
function launchAll(): void {
  for (let batch = 0; batch < nodes / batchSize; batch += 1) {
    const slots = Array.from({ length: batchSize }, (_, place) => batch * batchSize + place);
    const owner = { clusterId, namespace, group: "live", role: "edge", batch: `live-edge-b${batch + 1}` } as const;
    const token = `token-${batch}`;
    const launched = fleet.cloud.launch({
      ...{ token, region, count: batchSize, image: "media-1", instanceType: "small", userData: "" },
      tags: toTags({ ...owner, token, slots, connectionCapacity: 100 }, {}),
    });
    expect(launched.ok).toBe(true);
  }
}

describe("a fleet of thousands", () => {
  it("is adopted within a minute, and ended within two, with no call twice for a node", async () => {
    fleet = new Fleet({ platform: { listIntervalMs: 10_000 } });
    await fleet.mediaFleet.stop();
    launchAll();
    await fleet.advance(30_000);
    await fleet.start({ latencyMs: () => 25 });
    const [config, policy, group] = exampleManifests();
    const roles = [{ role: "edge", minLimit: 0, maxLimit: nodes }];
    for (const manifest of [config!, { ...policy!, spec: { roles } }, group!]) await fleet.apply(manifest);
    const adopted = () => fleet.nodes().filter(({ status }) => status?.claimedUid !== undefined).length;
    await fleet.until("all are adopted", () => adopted() === nodes, 60_000);
    expect(fleet.writesInWords().filter((write) => write.startsWith("ADDED streamnodes/"))).toHaveLength(nodes);
    expect(fleet.cloudCalls.get("launch")).toBeUndefined();
    fleet.forgetWrites();
    await fleet.delete("NodeGroup", "live");
    await fleet.until("all are gone", () => fleet.machinesLeft().length === 0, 120_000);
    await fleet.until("the group is gone", () => !fleet.objects().includes("NodeGroup/live"), 60_000);
    // Machines are read together.
    expect(fleet.cloudCalls.get("terminate")).toBe(nodes);
    expect((fleet.cloudCalls.get("read") ?? 0) + (fleet.cloudCalls.get("readMany") ?? 0)).toBeLessThan(nodes / 2);
  });
});
