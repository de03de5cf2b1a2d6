import { describe, expect, it } from "@jest/globals";
import type { ScalingActivity } from "../../domain/history.ts";
import { type Answer, type Decider, explainedJson, explanation, replay, summaryOf } from "../../cli/explanation.ts";
import { decideScaling, deciderVersion } from "../../domain/scaling/decide-scaling.ts";
import { at, scalingInput } from "../support/domain-values.ts";

const answer: Answer = { kind: "Hold", reason: "MinimumMet", message: "2 edge nodes" };

const record: ScalingActivity = {
  ...{ namespace: "default", group: "live", role: "edge", region: "eu-west-1", ...answer, deciderVersion: 7 },
  ...{ input: { minLimit: 2 }, firstAt: at(0), lastAt: at(5_000), count: 3 },
};

function decider(said: Answer, version = 7): Decider {
  return { version, decide: () => said };
}

const broken: Decider = {
  version: 8,
  decide: () => {
    throw new TypeError("counts is undefined");
  },
};

describe("a replay", () => {
  it("is identical when the same input gives the same answer", () => {
    const asked: unknown[] = [];
    const same: Decider = { version: 7, decide: (input) => (asked.push(input), { ...answer, until: 9 } as Answer) };
    expect(replay(record, same)).toEqual({ kind: "Identical" });
    expect(asked).toEqual([{ minLimit: 2 }]);
  });

  it.each([
    ["kind", { ...answer, kind: "LaunchNodes" }],
    ["reason", { ...answer, reason: "NoData" }],
    ["message", { ...answer, message: "3 edge nodes" }],
  ])("differs in its %s", (_, now) => {
    expect(replay(record, decider(now))).toEqual({ kind: "Different", now });
  });

  it("is of an input as it was recorded when its behavior had another name", () => {
    const { behavior, ...rest } = scalingInput({});
    const { kind, reason, message } = decideScaling({ ...rest, behavior });
    const former = { ...record, kind, reason, message, deciderVersion, input: { ...rest, manner: behavior } };
    expect(replay(former)).toEqual({ kind: "Identical" });
    expect(replay({ ...former, input: { ...rest, behavior } })).toEqual({ kind: "Identical" });
  });

  it("of another version is no defect, whatever is said or not", () => {
    expect(replay(record, decider(answer, 8))).toEqual({ kind: "OtherVersion", now: answer });
    expect(replay(record, broken)).toEqual({ kind: "OtherVersion", problem: "counts is undefined" });
  });
});

describe("the explanation", () => {
  const text = (by: Decider): string => explanation({ activity: record, replay: replay(record, by) });

  it("tells when, where, what and why", () => {
    expect(text(decider(answer))).toBe(
      [
        "2026-01-01T00:00:00.000Z  edge eu-west-1  Hold MinimumMet",
        "  2 edge nodes",
        "  said 3 times until 2026-01-01T00:00:05.000Z; replays identically",
      ].join("\n"),
    );
  });

  it("tells what was said last, where it is another sentence than the first, which replays", () => {
    const activity = { ...record, latestMessage: "2 edge nodes, 9 connections" };
    expect(explanation({ activity, replay: replay(activity, decider(answer)) })).toContain(
      "\n  2 edge nodes\n  at last: 2 edge nodes, 9 connections\n  said 3 times",
    );
  });

  it("is loud when the same decider says something else", () => {
    expect(text(decider({ ...answer, reason: "NoData", message: "no load" }))).toContain(
      "DOES NOT REPLAY, which is a defect: decider 7 now says Hold NoData\n    no load",
    );
  });

  it("shows both answers of two versions", () => {
    expect(text(decider({ ...answer, reason: "NoData", message: "no load" }, 8))).toContain(
      "said by decider 7; that of today says Hold NoData\n    no load",
    );
    expect(text(broken)).toContain("has no answer (counts is undefined)");
  });

  it("sums up", () => {
    const of = (...deciders: readonly Decider[]): string =>
      summaryOf(deciders.map((by) => ({ activity: record, replay: replay(record, by) })));
    expect(of(decider(answer), decider(answer))).toBe("2 decisions, 2 replay identically");
    const other = decider({ ...answer, message: "" });
    expect(of(decider(answer), broken, other)).toBe(
      "3 decisions, 1 replay identically, 1 of another decider, 1 DIFFER",
    );
  });

  it("is JSON for machines, the input as it was", () => {
    expect(explainedJson({ activity: record, replay: { kind: "Identical" } })).toMatchObject({
      ...{ input: { minLimit: 2 }, firstAt: "2026-01-01T00:00:00.000Z", count: 3, replay: { kind: "Identical" } },
    });
  });
});
