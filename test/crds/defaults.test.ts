import { describe, expect, it } from "@jest/globals";
import { readDefaults } from "../../crds/defaults.ts";

describe("the defaults of the fleet", () => {
  it.each([
    ["without a ConfigMap", undefined, "Competitive"],
    ["when it does not name the mode", { other: "x" }, "Competitive"],
    ["when it says Rigid", { scaleOutMode: "Rigid" }, "Rigid"],
    ["when it says Competitive", { scaleOutMode: "Competitive" }, "Competitive"],
  ] as const)("%s", (_name, data, scaleOutMode) => {
    expect(readDefaults(data)).toEqual({ scaleOutMode, problems: [] });
  });

  it.each(["rigid", "", "Fast"])("pass over the mode %j and say what may be written", (text) => {
    const { scaleOutMode, problems } = readDefaults({ scaleOutMode: text });
    expect(scaleOutMode).toBe("Competitive");
    expect(problems).toEqual([
      `ConfigMap streamfleet-defaults: scaleOutMode "${text}" is none of Competitive, Rigid: Competitive is used`,
    ]);
  });
});
