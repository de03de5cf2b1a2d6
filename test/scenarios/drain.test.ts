/** No viewer is cut: an edge that is to go goes when its last viewer has left, and not before. */
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { Fleet } from "../support/fleet.ts";

let fleet: Fleet;

beforeEach(async () => {
  fleet = await Fleet.example();
  await fleet.until("service", () => fleet.inService("edge") === 2);
});
afterEach(() => fleet.close());

const name = "live-edge-1";
const media = () => fleet.mediaFleet.nodeNamed({ namespace: "default", name })!;
const viewer = (id: string) => ({ id, kind: "subscribe", scope: "live", name: "one" }) as const;
const drain = () =>
  fleet.patch("StreamNode", name, {
    spec: { drain: { reason: "ScaleIn", at: new Date(fleet.clock.now()).toISOString() } },
  });
const drained = () => fleet.condition("Drained", "StreamNode", name)?.reason;
const runs = (providerId: string) => fleet.machines("edge").some((machine) => machine.providerId === providerId);

describe("an edge that drains", () => {
  it("keeps its viewers, takes no more, and goes soon after the last has left", async () => {
    const { providerId } = fleet.machineOf(name);
    for (const id of ["a", "b"]) expect(media().connect(viewer(id))).toBe("Connected");
    await drain();
    // The decision is taken; the node does not know yet, and somebody comes.
    expect(media().connect(viewer("c"))).toBe("Connected");
    await fleet.until("acknowledged", () => drained() === "ClientsLeft");
    expect(media().connect(viewer("d"))).toBe("Draining");
    await fleet.advance(120_000);
    expect([runs(providerId), fleet.node(name).status?.phase]).toEqual([true, "Draining"]);
    const node = media();
    for (const id of ["a", "b", "c"]) node.disconnect(id);
    const ms = await fleet.until("terminated", () => !runs(providerId), 10_000);
    expect(ms).toBeLessThanOrEqual(2_000);
    expect(fleet.mediaFleet.takeLost()).toEqual([]);
    await fleet.until("replaced", () => fleet.inService("edge") === 2);
    const events = fleet.events("StreamNode", name).map((event) => event.split(":")[0]);
    for (const once of ["Draining", "Drained"]) expect(events.filter((reason) => reason === once)).toHaveLength(1);
  });

  it("serves again when its drain is taken back, and takes viewers in", async () => {
    media().connect(viewer("a"));
    await drain();
    await fleet.until("acknowledged", () => drained() === "ClientsLeft");
    await fleet.patch("StreamNode", name, { spec: { drain: null } });
    await fleet.until("in service", () => fleet.node(name).status?.phase === "InService");
    await fleet.until("taking viewers", () => media().connect(viewer("b")) === "Connected");
    expect(drained()).toBeUndefined();
    media().disconnect("a");
    media().disconnect("b");
    await fleet.advance(120_000);
    expect(fleet.node(name).status?.phase).toBe("InService");
  });

  it("is asked for by its origin once it had nobody for a minute, and stays where the minimum keeps it", async () => {
    const asked = () => fleet.logger.lines.filter(({ message }) => message === "asked for an edge to go");
    media().connect(viewer("a"));
    await fleet.until("asked", () => asked().length > 0, 90_000);
    expect(new Set(asked().map(({ fields }) => fields["edge"]))).toEqual(new Set(["live-edge-0"]));
    expect(asked()[0]?.fields["answer"]).toMatchObject({ kind: "Later", reason: expect.stringContaining("409") });
    await fleet.advance(60_000);
    expect(fleet.inService("edge")).toBe(2);
  });

  it("stays while its reports do not arrive, whatever it would say", async () => {
    const { providerId } = fleet.machineOf(name);
    const node = media();
    node.connect(viewer("a"));
    await drain();
    await fleet.until("acknowledged", () => drained() === "ClientsLeft");
    await fleet.mediaFleet.stop();
    await fleet.advance(120_000);
    expect(drained()).toBe("NoReport");
    expect(runs(providerId)).toBe(true);
  });
});
