import { describe, expect, it } from "@jest/globals";
import { judgeScaleInRequest, type ScaleInRequestFacts } from "../../../domain/scaling/scale-in-request.ts";

type EdgeCounts = NonNullable<ScaleInRequestFacts["edges"]>;

/** Three edges in service, of which one has to stay. */
function edges(fields: Partial<EdgeCounts> = {}): EdgeCounts {
  return { minLimit: 1, inService: 3, starting: 0, draining: 0, terminating: 0, ...fields };
}

function judged(fields: Partial<ScaleInRequestFacts> = {}) {
  return judgeScaleInRequest({
    edgeSources: ["Origin", "Manager"],
    pause: { kind: "NotPaused" },
    deleting: false,
    region: "region-a",
    edges: edges(),
    ...fields,
  });
}

function named(fields: Partial<NonNullable<ScaleInRequestFacts["edge"]>> = {}): Pick<ScaleInRequestFacts, "edge"> {
  return { edge: { name: "live-edge-3", phase: "InService", draining: false, deleting: false, ...fields } };
}

const scalingPaused = { kind: "ScalingPaused", until: undefined, reason: "a big match" } as const;

describe("a scale-in request", () => {
  it.each([
    ["for any edge", {}],
    ["for an edge in service", named()],
    ["when origins alone may ask", { edgeSources: ["Origin"] }],
    ["when a pause has ended", { pause: { kind: "PauseEnded", until: 0 } }],
    ["down to the minimum", { edges: edges({ inService: 2 }) }],
    ["while an edge is overdue", { edges: edges({ starting: 2, overdue: 2 }) }],
  ] as [string, Partial<ScaleInRequestFacts>][])("is taken %s", (_name, fields) => {
    expect(judged(fields)).toEqual({ kind: "Accepted" });
  });

  it.each([
    ["of a group that goes", "Deleting", /all of its nodes go/, { deleting: true, edgeSources: undefined }],
    ["without a policy", "NotResolved", /policy/, { edgeSources: undefined }],
    ["before anything was counted", "NotResolved", /region-a .* not been counted/, { edges: undefined }],
    ["of an origin that may not ask", "OriginMayNotAsk", /allows Manager, not Origin$/, { edgeSources: ["Manager"] }],
    ["where nobody may ask", "OriginMayNotAsk", /allows nobody/, { edgeSources: [] }],
    ["in a pause of scaling", "Paused", /scaling is paused \(a big match\)/, { pause: scalingPaused }],
    [
      "in a pause of everything",
      "Paused",
      /everything is paused/,
      { pause: { ...scalingPaused, kind: "EverythingPaused" } },
    ],
    ["for an edge that drains", "AlreadyGoing", /live-edge-3 is going/, named({ draining: true })],
    ["for an edge that is deleted", "AlreadyGoing", /live-edge-3/, named({ deleting: true })],
    ["for an edge that terminates", "AlreadyGoing", /live-edge-3/, named({ phase: "Terminating" })],
    ["for an edge that boots", "NotInService", /live-edge-3 is Running/, named({ phase: "Running" })],
    ["for an edge without a status", "NotInService", /live-edge-3 is new/, named({ phase: undefined })],
    ["at the minimum", "AtMinimum", /3 edges .* minimum of 3$/, { edges: edges({ minLimit: 3 }) }],
    ["below the minimum", "AtMinimum", /minimum of 5$/, { edges: edges({ minLimit: 5, starting: 1 }) }],
    ["while an edge starts", "OperationInProgress", /1 are starting/, { edges: edges({ starting: 1 }) }],
    [
      "at the minimum, whatever starts",
      "AtMinimum",
      /3 edges .* minimum of 3$/,
      { edges: edges({ minLimit: 3, starting: 2 }) },
    ],
    [
      "while one starts beside one overdue",
      "OperationInProgress",
      /1 are starting/,
      { edges: edges({ starting: 2, overdue: 1 }) },
    ],
    ["while an edge drains", "OperationInProgress", /1 draining/, { edges: edges({ draining: 1 }) }],
    ["while an edge terminates", "OperationInProgress", /1 terminating/, { edges: edges({ terminating: 1 }) }],
  ] as [string, string, RegExp, Partial<ScaleInRequestFacts>][])("is refused %s", (_name, reason, said, fields) => {
    expect(judged(fields)).toEqual({ kind: "Refused", reason, message: expect.stringMatching(said) });
  });
});
