import { describe, expect, it } from "@jest/globals";
import { InformedGroupDirectory } from "../../fleet/group-directory.ts";
import { accepted, nodeGroup, scalePolicy } from "../support/resources.ts";

const group = nodeGroup({ scalePolicyRef: { name: "gentle" } });

function directory(...policies: [string, ReturnType<typeof scalePolicy>][]): InformedGroupDirectory {
  return new InformedGroupDirectory({
    nodeGroups: new Map([["media/live", group]]),
    scalePolicies: new Map(policies),
  });
}

describe("the directory of groups", () => {
  it("gives a group with the policy that it refers to", () => {
    const policy = scalePolicy();
    const other = scalePolicy();
    const known = directory(["media/live", other], ["other/gentle", other], ["media/gentle", policy]);
    expect(known.byName("media", "live")).toEqual({ group, policy });
    expect(known.byName("media", "live")?.policy).toBe(policy);
  });

  it("knows no group of another name or namespace", () => {
    expect(directory().byName("media", "other")).toBeUndefined();
    expect(directory().byName("other", "live")).toBeUndefined();
  });

  it.each([
    ["is missing", []],
    ["is not accepted", [["media/gentle", scalePolicy({}, accepted("False"))]]],
    ["has not been examined", [["media/gentle", scalePolicy({}, {})]]],
  ] as [string, [string, ReturnType<typeof scalePolicy>][]][])("gives no policy that %s", (_name, policies) => {
    expect(directory(...policies).byName("media", "live")).toEqual({ group, policy: undefined });
  });
});
