/** The series of what is gone are gone, and what is not the same is not one series. */
import { afterEach, describe, expect, it } from "@jest/globals";
import { exampleManifests, Fleet } from "../../support/fleet.ts";
import { leaseType, microTime } from "../../../runtime/lease.ts";
import { type OperatorProcess, operatorNamespace } from "../../support/operator-process.ts";

let fleet: Fleet;
afterEach(() => fleet.close());

const linesOf = async (own: OperatorProcess) =>
  (await own.metrics()).split("\n").filter((line) => !line.startsWith("#"));
const ofGroups = async (own = fleet.process) => (await linesOf(own)).filter((line) => line.includes("group="));
const name = (index: number) => `group-${index}`;

describe("the series of metrics", () => {
  it("are as many after sixty groups came and went as before, whoever led meanwhile", async () => {
    fleet = await Fleet.example();
    await fleet.until("in service", () => fleet.inService() === 3);
    await fleet.advance(20_000);
    const before = await linesOf(fleet.process);
    for (let index = 0; index < 60; index += 1) await fleet.applyOther(name(index));
    await fleet.until("in service", () => fleet.inService() === 63, 60_000);
    await fleet.advance(20_000);
    expect((await ofGroups()).filter((line) => line.includes('group="group-59"')).length).toBeGreaterThan(3);
    for (let index = 0; index < 60; index += 1) {
      await fleet.delete("NodeGroup", name(index));
      await fleet.delete("ScalePolicy", name(index));
    }
    await fleet.until("gone", () => fleet.nodes().length === 3 && fleet.objects().length < 12, 120_000);
    await fleet.advance(20_000);
    expect((await ofGroups()).filter((line) => line.includes('group="group-'))).toEqual([]);
    const known = new Set(before.map((line) => line.split(" ")[0]));
    // What is new is of the product as a whole, as the calls that ended a machine.
    const added = (await linesOf(fleet.process)).filter((line) => !known.has(line.split(" ")[0]));
    expect(added.length).toBeLessThan(60);
    expect(added.filter((line) => /group-\d/.test(line))).toEqual([]);
  });

  it("name the namespace wherever they name a group", async () => {
    fleet = await Fleet.example();
    await fleet.until("in service", () => fleet.inService() === 3);
    for (const manifest of exampleManifests())
      await fleet.apply({ ...manifest, metadata: { ...manifest.metadata, namespace: "streamfleet-system" } });
    await fleet.until("in service", () => fleet.inService() === 6);
    await fleet.advance(20_000);
    const lines = await ofGroups();
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expect(line).toMatch(/namespace="/);
    const nodes = lines.filter((line) => line.startsWith("streamfleet_stream_nodes") && line.includes('role="edge"'));
    expect(nodes.toSorted()).toEqual(
      ["default", "streamfleet-system"].map(
        (namespace) =>
          `streamfleet_stream_nodes{namespace="${namespace}",group="live",role="edge",phase="InService"} 2`,
      ),
    );
  });

  it("of a group that is deleted while another leads go from the former leader, and its gauges with its leadership", async () => {
    fleet = new Fleet();
    const first = await fleet.start({ identity: "first", election: true });
    await fleet.applyExample();
    await fleet.until("in service", () => fleet.inService() === 3, 60_000);
    await fleet.advance(20_000);
    expect((await ofGroups(first)).some((line) => line.startsWith("streamfleet_alarm_state"))).toBe(true);
    const second = await fleet.start({ identity: "second", election: true });
    // The other has taken the lease, as after a pause of the first.
    const lease = { namespace: operatorNamespace, name: "streamfleet-controller" };
    const taken = { holderIdentity: "second", renewTime: microTime(fleet.clock.now()) };
    await fleet.kube.mergePatch(leaseType, lease, { spec: taken });
    await fleet.until("the other leads", async () => (await linesOf(second)).includes("streamfleet_leader 1"), 120_000);
    await fleet.advance(30_000);
    const gauges = /^streamfleet_(alarm_state|stream_nodes)\{/;
    expect((await linesOf(first)).filter((line) => gauges.test(line))).toEqual([]);
    expect((await linesOf(first)).filter((line) => /^streamfleet_queue_depth.* [1-9]/.test(line))).toEqual([]);
    expect((await linesOf(second)).filter((line) => gauges.test(line)).length).toBeGreaterThan(0);
    await fleet.delete("NodeGroup", "live");
    await fleet.until("gone", () => !fleet.objects().includes("NodeGroup/live"), 60_000);
    await fleet.advance(20_000);
    expect(await ofGroups(first)).toEqual([]);
    expect(await ofGroups(second)).toEqual([]);
  });
});
