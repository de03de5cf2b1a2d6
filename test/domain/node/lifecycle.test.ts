import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { phases } from "../../../crds/names.ts";
import { isGone, type Sighting } from "../../../domain/node/evidence.ts";
import { nextStep, type NodeStep, type NodeView, phaseOf, wakeAt } from "../../../domain/node/lifecycle.ts";
import { anyInstant, anyView, at, machineStates, seen, servingView } from "../../support/domain-values.ts";

const now = at(60_000);
const missing: Sighting = { kind: "Missing", confirmed: false };
const confirmedMissing: Sighting = { kind: "Missing", confirmed: true };
const notListed: Sighting = { kind: "NotListed" };

const clientsLeft = { kind: "ClientsLeft", clients: 12 } as const;
const nobodyLeft = { kind: "NobodyLeft" } as const;
const neverRegistered = { kind: "NeverRegistered" } as const;

/** Before the node has called back. */
const silent = { registration: undefined, report: undefined, inServiceSince: undefined };
const unlinked = { fresh: true, establishedLinks: 0 };
/** After it has called back and before its first report. */
const unreported = { report: undefined, inServiceSince: undefined };

describe("a node from its decision to service", () => {
  it.each([
    [
      "waits for its launch",
      { ...silent, providerId: undefined, awaitsBatch: true },
      { kind: "AwaitLaunch" },
      "Pending",
    ],
    ["waits for the first look at the cloud", { ...silent, sighting: notListed }, { kind: "AwaitSighting" }, "Pending"],
    [
      "is not lost while no listing shows it yet",
      { ...silent, sighting: missing },
      { kind: "AwaitEvidence" },
      "Unknown",
    ],
    ["boots", { ...silent, sighting: seen("Pending") }, { kind: "AwaitBoot" }, "Pending"],
    [
      "is to call back",
      { ...silent, sighting: seen("Running", at(5_000)) },
      { kind: "AwaitCallback", deadline: at(155_000), overdue: false },
      "Running",
    ],
    [
      "is overdue from its deadline on",
      { ...silent, sighting: seen("Running", at(0)), registrationTimeoutMs: 60_000 },
      { kind: "AwaitCallback", deadline: now, overdue: true },
      "Running",
    ],
    ["has called back and is to report", unreported, { kind: "AwaitReport" }, "Running"],
    [
      "waits for an origin, whatever its deadline",
      { hasParents: false, report: { fresh: true, establishedLinks: 0 }, registrationTimeoutMs: 1 },
      { kind: "AwaitOrigin" },
      "Running",
    ],
    ["waits for its link", { report: { fresh: true, establishedLinks: 0 } }, { kind: "AwaitLink" }, "Running"],
    ["serves once it is linked", {}, { kind: "Serve" }, "InService"],
    [
      "serves without a link where its role needs none",
      { role: "origin", hasParents: false, report: { fresh: true, establishedLinks: 0 } },
      { kind: "Serve" },
      "InService",
    ],
    ["serves those it has while it drains", { drain: clientsLeft }, { kind: "Serve" }, "Draining"],
  ] as const)("%s", (_name, fields, step, phase) => {
    const view = servingView(fields);
    expect(nextStep(view, now)).toEqual(step);
    expect(phaseOf(nextStep(view, now), view, undefined)).toBe(phase);
  });
});

describe("a node in service", () => {
  it.each([
    ["when no report is known any more", { report: undefined }],
    ["when its last report is old", { report: { fresh: false, establishedLinks: 1 } }],
    ["when listings lack its machine, but it reports", { sighting: missing }],
    ["when its machine's state cannot be read, but it reports", { sighting: seen("Unknown") }],
  ])("stays so %s", (_name, fields) => {
    expect(nextStep(servingView(fields), now)).toEqual({ kind: "Serve" });
  });

  it("keeps its phase until the cloud was read after a start", () => {
    const view = servingView({ sighting: notListed, report: undefined });
    const step = nextStep(view, now);
    expect(step).toEqual({ kind: "AwaitSighting" });
    for (const phase of phases) expect(phaseOf(step, view, phase)).toBe(phase);
  });

  it.each([
    ["rests when it has said goodbye", { registration: { registeredAt: at(0), saidGoodbye: true } }, "Rest", "Running"],
    ["is to report anew after it restarted", { report: undefined, rebooted: true }, "AwaitReport", "Running"],
    [
      "is to report anew when another boot registered since",
      { report: undefined, registration: { registeredAt: at(12_001), saidGoodbye: false } },
      "AwaitReport",
      "Running",
    ],
    ["waits for a link that it lost", { report: { fresh: true, establishedLinks: 0 } }, "AwaitLink", "Running"],
    [
      "is unknown when neither the cloud nor it says a word",
      { sighting: missing, report: undefined },
      "AwaitEvidence",
      "Unknown",
    ],
    ["boots again when the cloud says so", { sighting: seen("Pending") }, "AwaitBoot", "Pending"],
    ["is removed when its machine is stopping", { sighting: seen("Stopping") }, "Remove", "Terminating"],
    ["is removed when its machine was stopped", { sighting: seen("Stopped") }, "Remove", "Terminating"],
    ["is removed when its machine is terminated", { sighting: seen("Terminated") }, "Remove", "Terminating"],
    ["is removed when its machine is known to be gone", { sighting: confirmedMissing }, "Remove", "Terminating"],
  ] as const)("%s", (_name, fields, kind, phase) => {
    const view = servingView(fields);
    const step = nextStep(view, now);
    expect(step.kind).toBe(kind);
    expect(phaseOf(step, view, "InService")).toBe(phase);
  });

  it("says whether its machine is gone or was stopped", () => {
    expect(nextStep(servingView({ sighting: confirmedMissing }), now)).toEqual({
      kind: "Remove",
      reason: "MachineGone",
    });
    expect(nextStep(servingView({ sighting: seen("Stopped") }), now)).toEqual({
      kind: "Remove",
      reason: "MachineStopped",
    });
  });
});

describe("a node that drains", () => {
  it.each([
    ["is retired when nobody is left", { drain: nobodyLeft }, { kind: "Retire", reason: "Drained" }],
    [
      "is retired when nobody is left, though it said goodbye",
      { drain: nobodyLeft, registration: { registeredAt: at(0), saidGoodbye: true } },
      { kind: "Retire", reason: "Drained" },
    ],
    [
      "is retired when nobody is left, whatever the cloud does not show",
      { drain: nobodyLeft, sighting: missing },
      { kind: "Retire", reason: "Drained" },
    ],
    [
      "is retired at once when it never called back",
      { ...silent, drain: neverRegistered },
      { kind: "Retire", reason: "NeverRegistered" },
    ],
    [
      "is retired at once when it has no machine yet",
      { ...silent, drain: neverRegistered, providerId: undefined, awaitsBatch: true, sighting: notListed },
      { kind: "Retire", reason: "NeverRegistered" },
    ],
    ["serves on while somebody is left", { drain: clientsLeft }, { kind: "Serve" }],
    ["serves on until it acknowledges", { drain: { kind: "AwaitingAcknowledgement" } }, { kind: "Serve" }],
    ["serves on while no report is known", { drain: { kind: "NoReport" }, report: undefined }, { kind: "Serve" }],
    [
      "waits for evidence while it is silent",
      { drain: { kind: "NoReport" }, report: undefined, sighting: missing },
      { kind: "AwaitEvidence" },
    ],
    [
      "rests after its goodbye until it says that nobody is left",
      { drain: { kind: "NoReport" }, registration: { registeredAt: at(0), saidGoodbye: true } },
      { kind: "Rest" },
    ],
    ["waits for its link as others do", { drain: clientsLeft, report: unlinked }, { kind: "AwaitLink" }],
  ] as const)("%s", (_name, fields, step) => {
    const view = servingView(fields);
    expect(nextStep(view, now)).toEqual(step);
    expect(phaseOf(nextStep(view, now), view, "InService")).toBe("Draining");
  });

  it.each([
    ["is kept by a pause of everything", { drain: nobodyLeft, held: true }, { kind: "HoldTermination" }],
    [
      "is kept by a pause of everything, though it never called back",
      { ...silent, drain: neverRegistered, held: true },
      { kind: "HoldTermination" },
    ],
    [
      "is removed as others are when its machine is gone",
      { drain: clientsLeft, sighting: confirmedMissing },
      { kind: "Remove", reason: "MachineGone" },
    ],
    [
      "is removed as others are when its machine was stopped",
      { drain: nobodyLeft, sighting: seen("Stopped") },
      { kind: "Remove", reason: "MachineStopped" },
    ],
    [
      "has its machine terminated once it is deleted, whoever is left",
      { drain: clientsLeft, deleting: true },
      { kind: "Terminate", providerId: "m-1" },
    ],
  ] as const)("%s", (_name, fields, step) => {
    const view = servingView(fields);
    expect(nextStep(view, now)).toEqual(step);
    expect(phaseOf(nextStep(view, now), view, "Draining")).toBe("Terminating");
  });

  it("is back in service when its drain is taken back", () => {
    const view = servingView({ drain: undefined });
    expect(phaseOf(nextStep(view, now), view, "Draining")).toBe("InService");
  });
});

describe("a node that will never have a machine", () => {
  it.each([
    ["is removed", { deleting: false }, { kind: "Remove", reason: "LaunchAbandoned" }],
    ["is released when it is deleted", { deleting: true }, { kind: "Release" }],
    [
      "waits for its batch when it is deleted before the launch is settled",
      { deleting: true, awaitsBatch: true },
      { kind: "AwaitBatch" },
    ],
  ] as const)("%s", (_name, fields, step) => {
    expect(nextStep(servingView({ ...silent, providerId: undefined, sighting: notListed, ...fields }), now)).toEqual(
      step,
    );
  });
});

describe("a node that is deleted", () => {
  const deleted = { deleting: true };

  it.each([
    ["has its machine terminated", {}, { kind: "Terminate", providerId: "m-1" }],
    ["though nobody has seen the machine", { sighting: notListed }, { kind: "Terminate", providerId: "m-1" }],
    ["though its machine is missing", { sighting: missing }, { kind: "Terminate", providerId: "m-1" }],
    [
      "though its machine is already stopping",
      { sighting: seen("Stopping") },
      { kind: "Terminate", providerId: "m-1" },
    ],
    ["waits for the cloud", { terminationAskedAt: at(31_000) }, { kind: "AwaitTermination", askAgainAt: at(61_000) }],
    ["asks again after a while", { terminationAskedAt: at(30_000) }, { kind: "Terminate", providerId: "m-1" }],
    ["is released when the cloud says Terminated", { sighting: seen("Terminated") }, { kind: "Release" }],
    ["is released when the machine is known to be gone", { sighting: confirmedMissing }, { kind: "Release" }],
    [
      "is not released while its machine is only stopped",
      { sighting: seen("Stopped") },
      { kind: "Terminate", providerId: "m-1" },
    ],
    ["keeps its machine while everything is paused", { held: true }, { kind: "HoldTermination" }],
    [
      "goes though everything is paused, once its machine is gone",
      { held: true, sighting: seen("Terminated") },
      { kind: "Release" },
    ],
  ] as const)("%s", (_name, fields, step) => {
    const view = servingView({ ...deleted, ...fields });
    expect(nextStep(view, now)).toEqual(step);
    expect(phaseOf(nextStep(view, now), view, "InService")).toBe("Terminating");
  });
});

describe("a pause of everything", () => {
  it("keeps a node whose machine was stopped, and counts it as gone", () => {
    const view = servingView({ held: true, sighting: seen("Stopped") });
    const step = nextStep(view, now);
    expect(step).toEqual({ kind: "HoldTermination" });
    expect(phaseOf(step, view, "InService")).toBe("Terminating");
  });

  it("takes such a node back into service when its machine runs again", () => {
    const view = servingView({ held: true });
    expect(phaseOf(nextStep(view, now), view, "Terminating")).toBe("InService");
  });

  it("does not stop a node on its way into service", () => {
    expect(nextStep(servingView({ held: true, ...unreported }), now)).toEqual({ kind: "AwaitReport" });
  });
});

/** What the cloud said: that the machine is gone, or that it stops or was stopped. */
function saysLost(sighting: Sighting): boolean {
  if (sighting.kind === "Seen") return ["Stopping", "Stopped", "Terminated"].includes(sighting.machine.state);
  return sighting.kind === "Missing" && sighting.confirmed;
}

const withMachine = anyView.map((view): NodeView & { readonly providerId: string } => ({ ...view, providerId: "m-1" }));
const ends = new Set<NodeStep["kind"]>(["Remove", "Release"]);

describe("the first law: absence of evidence never terminates a machine", () => {
  it("removes or releases a node with a machine only on the cloud's word that it is lost", () => {
    fc.assert(
      fc.property(withMachine, anyInstant, (view, time) => {
        if (ends.has(nextStep(view, time).kind)) expect(saysLost(view.sighting)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it("releases a node with a machine only when the machine is gone for good", () => {
    fc.assert(
      fc.property(withMachine, anyInstant, (view, time) => {
        if (nextStep(view, time).kind === "Release") expect(view.deleting && isGone(view.sighting)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it("terminates only the machine of a node that is deleted, and never under a pause", () => {
    fc.assert(
      fc.property(anyView, anyInstant, (view, time) => {
        const step = nextStep(view, time);
        if (step.kind !== "Terminate") return;
        expect(view.deleting && !view.held).toBe(true);
        expect(step.providerId).toBe(view.providerId);
      }),
      { numRuns: 500 },
    );
  });

  it("retires only what drains and is said to be drained, and nothing under a pause", () => {
    fc.assert(
      fc.property(anyView, anyInstant, (view, time) => {
        const step = nextStep(view, time);
        if (step.kind !== "Retire") return;
        expect(view.deleting || view.held).toBe(false);
        expect(view.drain?.kind).toBe(step.reason === "Drained" ? "NobodyLeft" : "NeverRegistered");
      }),
      { numRuns: 1_000 },
    );
  });

  it("lets neither silence, nor time, nor the node's own words decide whether a node is lost", () => {
    fc.assert(
      fc.property(withMachine, anyView, anyInstant, anyInstant, (view, other, time, later) => {
        const { registration, report, rebooted, inServiceSince, hasParents, drain } = other;
        const changed = {
          ...view,
          registration,
          report,
          rebooted,
          inServiceSince,
          hasParents,
          drain,
          deleting: false,
        };
        const lost = nextStep({ ...view, deleting: false }, time).kind === "Remove";
        expect(nextStep(changed, later).kind === "Remove").toBe(lost);
      }),
      { numRuns: 500 },
    );
  });

  it("takes nobody out of service because no report is known", () => {
    fc.assert(
      fc.property(anyView, anyInstant, anyInstant, (view, time, since) => {
        const served = servingView({
          role: view.role,
          hasParents: view.hasParents,
          report: undefined,
          inServiceSince: since,
          registration: { registeredAt: since, saidGoodbye: false },
        });
        expect(nextStep(served, time)).toEqual({ kind: "Serve" });
      }),
    );
  });
});

describe("the phase", () => {
  const anyPrevious = fc.option(fc.constantFrom(...phases), { nil: undefined });

  it("is one of the known ones for any view, and in service only while the node serves or nothing was read", () => {
    fc.assert(
      fc.property(anyView, anyInstant, anyPrevious, (view, time, previous) => {
        const step = nextStep(view, time);
        const phase = phaseOf(step, view, previous);
        expect(phases).toContain(phase);
        if (phase === "InService") {
          expect(
            step.kind === "Serve" ? view.drain === undefined : step.kind === "AwaitSighting" && previous === phase,
          ).toBe(true);
        }
        if (view.deleting) expect(phase).toBe("Terminating");
      }),
      { numRuns: 500 },
    );
  });

  it("depends on what was before only while the cloud was not read", () => {
    fc.assert(
      fc.property(anyView, anyInstant, anyPrevious, anyPrevious, (view, time, one, other) => {
        const step = nextStep(view, time);
        if (step.kind !== "AwaitSighting") expect(phaseOf(step, view, one)).toBe(phaseOf(step, view, other));
      }),
    );
  });
});

describe("when to look again", () => {
  it.each([
    ["at the deadline of the call back", servingView(silent), at(150_000)],
    [
      "when the termination is to be asked for again",
      servingView({ deleting: true, terminationAskedAt: at(50_000) }),
      at(80_000),
    ],
    ["at no time while it serves", servingView(), undefined],
    ["at no time once it is overdue", servingView({ ...silent, registrationTimeoutMs: 1 }), undefined],
  ])("%s", (_name, view, expected) => {
    expect(wakeAt(nextStep(view, now))).toBe(expected);
  });

  it("is always later than now", () => {
    fc.assert(
      fc.property(anyView, anyInstant, (view, time) => {
        expect(wakeAt(nextStep(view, time)) ?? Infinity).toBeGreaterThan(time);
      }),
    );
  });
});

describe("evidence that a machine is gone", () => {
  it.each(machineStates)("a machine that is %s is gone only if that is Terminated", (state) => {
    expect(isGone(seen(state))).toBe(state === "Terminated");
  });

  it("is a confirmed absence, never one that is not confirmed or was not looked at", () => {
    expect([confirmedMissing, missing, notListed].map(isGone)).toEqual([true, false, false]);
  });
});
