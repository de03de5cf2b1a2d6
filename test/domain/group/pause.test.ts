import { describe, expect, it } from "@jest/globals";
import { pauseAt } from "../../../domain/group/pause.ts";
import { toRfc3339 } from "../../../domain/time.ts";
import { at } from "../../support/domain-values.ts";

const now = at(10_000);
const unsaid = "no reason given";

describe("a pause", () => {
  it.each([
    ["does not hold where there is none", undefined, { kind: "NotPaused" }],
    [
      "of everything holds until it is removed",
      { mode: "Everything" },
      { kind: "EverythingPaused", until: undefined, reason: unsaid },
    ],
    [
      "of scaling says why",
      { mode: "Scaling", reason: "a big match" },
      { kind: "ScalingPaused", until: undefined, reason: "a big match" },
    ],
    [
      "holds to the last millisecond",
      { mode: "Everything", until: toRfc3339(at(10_001)) },
      { kind: "EverythingPaused", until: at(10_001), reason: unsaid },
    ],
    ["ends by itself at its time", { mode: "Everything", until: toRfc3339(now) }, { kind: "PauseEnded", until: now }],
    [
      "ends at its time in any time zone",
      { mode: "Scaling", until: "2026-01-01T02:00:09+02:00" },
      { kind: "PauseEnded", until: at(9_000) },
    ],
    [
      "holds when nobody can read its end: holding is the safe side",
      { mode: "Everything", until: "soon" },
      { kind: "EverythingPaused", until: undefined, reason: unsaid },
    ],
  ] as const)("%s", (_name, pause, expected) => {
    expect(pauseAt(pause, now)).toEqual(expected);
  });
});
