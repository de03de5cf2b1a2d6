import { describe, expect, it } from "@jest/globals";
import { readDefaults } from "../../crds/defaults.ts";

describe("the defaults of the fleet", () => {
  it.each([
    ["without a ConfigMap", undefined, "Competitive"],
    ["when it does not name the mode", { other: "x" }, "Competitive"],
    ["when it says Rigid", { scaleOutMode: "Rigid" }, "Rigid"],
    ["when it says Competitive", { scaleOutMode: "Competitive" }, "Competitive"],
  ] as const)("%s", (_name, data, scaleOutMode) => {
    const scaleOutThreshold = { origin: 60, edge: 60, relay: 60, transcoder: 60 };
    expect(readDefaults(data)).toEqual({ scaleOutMode, scaleOutThreshold, problems: [] });
  });

  it.each(["rigid", "", "Fast"])("pass over the mode %j and say what may be written", (text) => {
    const { scaleOutMode, problems } = readDefaults({ scaleOutMode: text });
    expect(scaleOutMode).toBe("Competitive");
    expect(problems).toEqual([
      `ConfigMap streamfleet-defaults: scaleOutMode "${text}" is none of Competitive, Rigid: Competitive is used`,
    ]);
  });

  it("have a threshold for each role", () => {
    const data = {
      "scaleOutThreshold.edge": "75",
      "scaleOutThreshold.origin": "1",
      "scaleOutThreshold.relay": "99.95",
    };
    expect(readDefaults({ ...data, "scaleOutThreshold.transcoder": "100.00" })).toMatchObject({
      scaleOutThreshold: { origin: 1, edge: 75, relay: 99.95, transcoder: 100 },
      problems: [],
    });
  });

  it.each(["", "sixty", "60%", "0", "0.99", "100.01", "101", "1e2", "-5", " 60", "NaN"])(
    "pass over the threshold %j and say what may be written",
    (text) => {
      const { scaleOutThreshold, problems } = readDefaults({ "scaleOutThreshold.edge": text });
      expect(scaleOutThreshold.edge).toBe(60);
      expect(problems).toEqual([
        `ConfigMap streamfleet-defaults: scaleOutThreshold.edge "${text}" is no percentage from 1 to 100: 60 is used`,
      ]);
    },
  );
});
