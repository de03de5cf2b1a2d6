import { describe, expect, it } from "@jest/globals";
import { platformOf, type ReferenceInput, resolveReferences } from "../../../domain/group/references.ts";
import { edgeLimits } from "../../support/manifests.ts";
import { accepted, launchConfig, nodeGroup, scalePolicy } from "../../support/resources.ts";

function given(fields: Partial<ReferenceInput> = {}): ReferenceInput {
  const { spec } = nodeGroup();
  return { namespace: "default", spec, launchConfig: launchConfig(), scalePolicy: scalePolicy(), ...fields };
}

describe("the references of a group", () => {
  it("are resolved when both are there, accepted, and fit each other", () => {
    const input = given();
    expect(resolveReferences(input)).toEqual({
      kind: "Resolved",
      launchConfig: input.launchConfig,
      scalePolicy: input.scalePolicy,
      platform: "simulated",
    });
  });

  it.each([
    [
      "the launch config",
      { launchConfig: undefined },
      ["LaunchConfig live does not exist", "spec.launchConfigRef.name"],
    ],
    ["the scale policy", { scalePolicy: undefined }, ["ScalePolicy live does not exist", "spec.scalePolicyRef.name"]],
    [
      "both",
      { launchConfig: undefined, scalePolicy: undefined },
      ["LaunchConfig live", "spec.launchConfigRef.name", "ScalePolicy live", "spec.scalePolicyRef.name", "create it"],
    ],
  ] as const)("that lack %s say which, and what to write", (_name, fields, words) => {
    const references = resolveReferences(given(fields));
    expect(references).toMatchObject({ kind: "NotFound" });
    for (const word of words) expect(references).toHaveProperty("message", expect.stringContaining(word));
  });

  it.each([
    [
      "its reconciler refuses",
      launchConfig({}, accepted("False", "platform aws is not available")),
      "LaunchConfig live is not accepted: platform aws is not available",
    ],
    ["names no platform", launchConfig({ simulated: undefined }), "LaunchConfig live names no platform"],
    ["names two platforms", launchConfig({ aws: {} }), "LaunchConfig live names no platform"],
  ])("are invalid with a launch config that %s", (_name, config, message) => {
    expect(resolveReferences(given({ launchConfig: config }))).toEqual({ kind: "Invalid", message });
  });

  it("are invalid when both are refused, and tell of both", () => {
    const refused = {
      launchConfig: launchConfig({}, accepted("False", "bad")),
      scalePolicy: scalePolicy({}, accepted("False", "worse")),
    };
    expect(resolveReferences(given(refused))).toEqual({
      kind: "Invalid",
      message: "LaunchConfig live is not accepted: bad; ScalePolicy live is not accepted: worse",
    });
  });

  it.each([
    ["launch config", { launchConfig: launchConfig({}, {}) }, "LaunchConfig live has not been examined yet"],
    ["scale policy", { scalePolicy: scalePolicy({}, {}) }, "ScalePolicy live has not been examined yet"],
  ])("are not examined while nobody has looked at the %s", (_name, fields, message) => {
    expect(resolveReferences(given(fields))).toEqual({ kind: "NotExamined", message });
  });

  it("are invalid with a refused one though nobody has looked at the other", () => {
    const refused = { launchConfig: launchConfig({}, {}), scalePolicy: scalePolicy({}, accepted("False", "bad")) };
    expect(resolveReferences(given(refused))).toMatchObject({ kind: "Invalid" });
  });

  it("are invalid when the policy asks for a role that nothing launches", () => {
    const policy = scalePolicy({ roles: [edgeLimits(), { role: "origin", minLimit: 0, maxLimit: 1 }] });
    const references = resolveReferences(given({ scalePolicy: policy }));
    expect(references.kind).toBe("Invalid");
    expect(references).toHaveProperty(
      "message",
      expect.stringMatching(/no entry for role origin, .* add it to spec\.roles of the LaunchConfig/),
    );
  });

  it("are valid when the policy asks for none of that role in the regions of the group", () => {
    const override = { region: "region-z", roles: [{ role: "origin", minLimit: 1, maxLimit: 1 }] };
    const policy = scalePolicy({
      roles: [edgeLimits(), { role: "origin", minLimit: 0, maxLimit: 0 }],
      regionOverrides: [override],
    });
    expect(resolveReferences(given({ scalePolicy: policy }))).toMatchObject({ kind: "Resolved" });
  });
});

describe("the platform of a launch config", () => {
  it.each([
    [{ simulated: {} }, "simulated"],
    [{ simulated: undefined, aws: {} }, "aws"],
    [{ simulated: undefined, gce: {} }, "gce"],
    [{ simulated: undefined }, undefined],
    [{ simulated: {}, gce: {} }, undefined],
  ])("with %j is %s", (blocks, platform) => {
    expect(platformOf(launchConfig(blocks))).toBe(platform);
  });
});
