import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { conditionReasons } from "../../../crds/names.ts";
import { conditionSchema } from "../../../crds/schema.ts";
import { isTrue, withConditions } from "../../../domain/conditions.ts";
import { nextStep, type NodeView, phaseOf } from "../../../domain/node/lifecycle.ts";
import { nodeConditions } from "../../../domain/node/node-conditions.ts";
import { anyInstant, anyView, at, seen, servingView } from "../../support/domain-values.ts";

const now = at(60_000);

function conditionsOf(view: NodeView, time = now) {
  return nodeConditions(nextStep(view, time), view);
}

/** Each type with its status and reason. */
function toldOf(view: NodeView): Readonly<Record<string, string>> {
  return Object.fromEntries(conditionsOf(view).map(({ type, status, reason }) => [type, `${status} ${reason}`]));
}

const silent = { registration: undefined, report: undefined, inServiceSince: undefined };

describe("the conditions of a node", () => {
  it.each([
    [
      "that waits for its launch",
      { ...silent, providerId: undefined, awaitsBatch: true },
      {
        Launched: "False AwaitingLaunch",
        Registered: "False AwaitingBoot",
        InService: "False AwaitingRegistration",
        Ready: "False NotInService",
      },
    ],
    [
      "that is to call back",
      silent,
      { Launched: "True MachineKnown", Registered: "False AwaitingCallback", InService: "False AwaitingRegistration" },
    ],
    ["that is overdue", { ...silent, registrationTimeoutMs: 1 }, { Registered: "False Overdue" }],
    [
      "that is to report",
      { report: undefined, inServiceSince: undefined },
      { Registered: "True CalledBack", InService: "False AwaitingReport" },
    ],
    [
      "that waits for an origin",
      { report: { fresh: true, establishedLinks: 0 }, hasParents: false },
      { InService: "False AwaitingOrigin", Ready: "False NotInService" },
    ],
    ["that waits for its link", { report: { fresh: true, establishedLinks: 0 } }, { InService: "False AwaitingLink" }],
    ["that serves", {}, { InService: "True Serving", Ready: "True InService" }],
    [
      "that drains",
      { drain: { kind: "ClientsLeft", clients: 12 } },
      { InService: "True Serving", Ready: "False Draining", Drained: "False ClientsLeft" },
    ],
    [
      "that has not acknowledged its drain",
      { drain: { kind: "AwaitingAcknowledgement" } },
      { Ready: "False Draining", Drained: "False AwaitingAcknowledgement" },
    ],
    ["that drains in silence", { drain: { kind: "NoReport" } }, { Drained: "False NoReport" }],
    ["that is drained", { drain: { kind: "NobodyLeft" }, held: true }, { Drained: "True NobodyLeft" }],
    [
      "that is to go before it called back",
      { ...silent, drain: { kind: "NeverRegistered" }, held: true },
      { Drained: "True NobodyLeft", Ready: "False Draining" },
    ],
    [
      "that said goodbye",
      { registration: { registeredAt: at(0), saidGoodbye: true } },
      { Registered: "False Goodbye", InService: "False Goodbye", Ready: "False NotInService" },
    ],
    ["whose machine is gone", { sighting: seen("Terminated") }, { InService: "False MachineGone" }],
    ["that is deleted", { deleting: true }, { InService: "False Terminating", Ready: "False Terminating" }],
  ] as const)("%s", (_name, fields, expected) => {
    expect(toldOf(servingView(fields))).toMatchObject(expected);
  });

  it("tell by when a node is to call back, and where to look when it has not", () => {
    const registered = (fields: Partial<NodeView>) =>
      conditionsOf(servingView({ ...silent, ...fields })).find(({ type }) => type === "Registered")?.message;
    expect(registered({})).toBe("is to call back by 2026-01-01T00:02:30.000Z");
    expect(registered({ registrationTimeoutMs: 30_000 })).toMatch(
      /not called back by 2026-01-01T00:00:30.000Z: look at/,
    );
  });

  it("tell how many clients a drain waits for, in few words that seldom change", () => {
    const messages = (clients: number) =>
      conditionsOf(servingView({ drain: { kind: "ClientsLeft", clients } }))
        .filter(({ type }) => type === "Ready" || type === "Drained")
        .map(({ message }) => message);
    expect(messages(12)).toEqual([
      "acknowledged; at most 20 clients are left",
      "drains: acknowledged; at most 20 clients are left",
    ]);
    expect(messages(1)[0]).toBe("acknowledged; 1 client is left");
    expect(new Set(Array.from({ length: 1_000 }, (_, left) => messages(left + 1)[0])).size).toBe(10);
  });

  it("say nothing of a drain that is not, and keep what was known once the node goes", () => {
    const typesOf = (fields: Partial<NodeView>) => conditionsOf(servingView(fields)).map(({ type }) => type);
    expect(typesOf({})).not.toContain("Drained");
    expect(typesOf({ deleting: true, drain: { kind: "NoReport" } })).not.toContain("Drained");
    expect(typesOf({ deleting: true, drain: { kind: "NobodyLeft" } })).toContain("Drained");
  });

  it("stay as they were until the cloud was read after a start", () => {
    const before = withConditions([], conditionsOf(servingView({ ...silent, registrationTimeoutMs: 1 })), now);
    const unread = servingView({ ...silent, registrationTimeoutMs: 1, sighting: { kind: "NotListed" } });
    expect(withConditions(before, conditionsOf(unread), at(90_000))).toEqual(before);
  });
});

describe("the conditions of a node, for any view", () => {
  it("have a known reason, fit the schema and never repeat a type", () => {
    fc.assert(
      fc.property(anyView, anyInstant, (view, time) => {
        const updates = conditionsOf(view, time);
        expect(new Set(updates.map(({ type }) => type)).size).toBe(updates.length);
        for (const { type, reason } of updates) expect(conditionReasons.StreamNode[type]).toContain(reason);
        for (const condition of withConditions([], updates, time)) conditionSchema.parse(condition);
      }),
      { numRuns: 200 },
    );
  });

  it("agree with the phase", () => {
    fc.assert(
      fc.property(anyView, anyInstant, (view, time) => {
        const step = nextStep(view, time);
        if (step.kind === "AwaitSighting") return;
        const conditions = withConditions([], nodeConditions(step, view), time);
        const phase = phaseOf(step, view, "InService");
        expect(isTrue(conditions, "Ready")).toBe(phase === "InService");
        expect(isTrue(conditions, "InService")).toBe(step.kind === "Serve");
        if (phase === "InService") expect(isTrue(conditions, "InService")).toBe(true);
        if (step.kind === "Retire") expect(isTrue(conditions, "Drained")).toBe(true);
        expect(isTrue(conditions, "Launched")).toBe(view.providerId !== undefined);
      }),
      { numRuns: 200 },
    );
  });
});
