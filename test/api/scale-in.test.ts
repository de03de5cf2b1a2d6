import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { NodeGroupStatus } from "../../crds/node-group.ts";
import type { ScaleInRequest } from "../../domain/load/report.ts";
import { type Answer, edge, namespace, NodeApiWorld, origin } from "../support/node-api.ts";

let world: NodeApiWorld;
let heard: ScaleInRequest[];

beforeEach(async () => {
  world = await NodeApiWorld.open();
  heard = [];
  world.reports.onScaleInRequest((request) => heard.push(request));
  await world.addNode(origin(0));
  await world.addNode(edge(0));
  world.addGroup({ status: counted() });
});
afterEach(() => world.close());

/** A status with so many edges in service. */
function counted(change: { readonly inService?: number; readonly draining?: number; readonly region?: string } = {}) {
  const limits = { minLimit: 1, maxLimit: 4, desired: 2 };
  const counts = { inService: 2, starting: 0, draining: 0, terminating: 0, ...change };
  const decision = { decision: "Hold", reason: "MinimumMet", message: "2 edge nodes" };
  const status: NodeGroupStatus = {
    roles: [{ role: "edge", region: "sim-east", ...limits, ...counts, ...decision }],
  };
  return status;
}

function ask(body: object = { node: "live-edge-0" }, providerId = "o-0", group = "live"): Promise<Answer> {
  return world.post(`/v1/nodegroups/${namespace}/${group}/scale-in-requests`, world.nodeToken(providerId), body);
}

const place = { namespace, group: "live", region: "sim-east", origin: "live-origin-0" };

describe("an origin that asks for one of its edges to go", () => {
  it("is told that this is remembered, and the feed tells it", async () => {
    const answer = await ask({ node: "live-edge-0", reason: "nobody for 60 s" });
    expect(answer).toMatchObject({ status: 202, body: { accepted: true, forgottenAfterSeconds: 60 } });
    const told = { ...place, node: "live-edge-0", reason: "nobody for 60 s", receivedAt: world.clock.now() };
    expect(heard).toEqual([told]);
    expect(world.reports.scaleInRequests(world.clock.now())).toEqual([told]);
  });

  it("may leave open which one, and why", async () => {
    expect((await ask({})).status).toBe(202);
    expect(heard).toEqual([{ ...place, receivedAt: world.clock.now() }]);
  });

  it("speaks for the region of the edge that it names, else for its own", async () => {
    const west = edge(1);
    await world.addNode({ ...west, spec: { ...west.spec, region: "sim-west" } });
    world.addGroup({ status: counted({ region: "sim-west" }) });
    expect((await ask({ node: "live-edge-1" })).status).toBe(202);
    expect(heard[0]?.region).toBe("sim-west");
    expect(await ask({})).toMatchObject({ status: 409, body: { reason: "NotResolved" } });
  });
});

describe("who may not ask", () => {
  it("has no token: 401", async () => {
    const answer = await world.post(`/v1/nodegroups/${namespace}/live/scale-in-requests`, undefined, {});
    expect(answer.status).toBe(401);
  });

  it.each([
    ["an edge", "e-0", "live", () => Promise.resolve()],
    ["an origin of another group", "o-0", "other", () => Promise.resolve()],
    ["an origin that is not in service", "o-0", "live", () => world.patchStatus("live-origin-0", { phase: "Running" })],
    [
      "an origin that drains",
      "o-0",
      "live",
      () => world.patchSpec("live-origin-0", { drain: { reason: "ScaleIn", at: "2026-01-01T00:00:00Z" } }),
    ],
  ])("is %s: 403", async (_name, providerId, group, change) => {
    await change();
    expect(await ask({}, providerId, group)).toMatchObject({ status: 403, body: { code: "NotAnOrigin" } });
    expect(heard).toEqual([]);
  });

  it.each([
    ["nobody", "live-edge-9"],
    ["itself", "live-origin-0"],
    ["an edge of another group", "other-edge-0"],
  ])("names %s: 403", async (_name, node) => {
    await world.addNode({ name: "other-edge-0", spec: { group: "other", providerId: "x-0" } });
    expect(await ask({ node })).toMatchObject({ status: 403, body: { code: "NotYourChild" } });
    expect(heard).toEqual([]);
  });

  it("asks too often: 429, and its reports are taken all the same", async () => {
    await world.close();
    world = await NodeApiWorld.open({ rateLimits: { perNode: { perSecond: 1, burst: 2 } } });
    await world.addNode(origin(0));
    world.addGroup({ status: counted() });
    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push((await ask({})).status);
    expect(statuses).toEqual([202, 202, 429]);
    expect((await world.report(world.nodeToken("o-0"), {}, "live-origin-0")).status).toBe(200);
  });

  it.each([
    ["node", { node: "" }],
    ["reason", { reason: "x".repeat(257) }],
  ])("sends a %s that does not fit: 400", async (field, body) => {
    expect(await ask(body)).toMatchObject({ status: 400, body: { errors: [{ field }] } });
  });
});

describe("a request that is refused", () => {
  it.each([
    ["OriginMayNotAsk", {}, { scaleIn: { edgeSources: ["Manager"] } }],
    ["Paused", { spec: { pause: { mode: "Scaling" } } }, {}],
    ["Deleting", { deletionTimestamp: "2026-01-01T00:00:00Z" }, {}],
    ["AtMinimum", { status: counted({ inService: 1 }) }, {}],
    ["OperationInProgress", { status: counted({ draining: 1 }) }, {}],
    ["NotResolved", { status: {} }, {}],
  ])("says why: 409 %s", async (reason, group, policy) => {
    world.addGroup({ status: counted(), ...group }, policy);
    const answer = await ask();
    expect(answer).toMatchObject({ status: 409, body: { code: "ScaleInRefused", reason } });
    expect(answer.body["detail"]).not.toBe("");
    expect(heard).toEqual([]);
  });

  it("is of an edge that goes already, or does not serve: 409", async () => {
    await world.patchSpec("live-edge-0", { drain: { reason: "ScaleIn", at: "2026-01-01T00:00:00Z" } });
    expect(await ask()).toMatchObject({ status: 409, body: { reason: "AlreadyGoing" } });
    await world.addNode({ ...edge(1), status: { phase: "Running" } });
    expect(await ask({ node: "live-edge-1" })).toMatchObject({ status: 409, body: { reason: "NotInService" } });
  });

  it("is of a group that has not been read yet: 503", async () => {
    world.nodeGroups.clear();
    expect(await ask()).toMatchObject({ status: 503, body: { code: "NotReady" } });
  });
});
