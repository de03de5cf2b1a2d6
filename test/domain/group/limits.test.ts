import { describe, expect, it } from "@jest/globals";
import { roles } from "../../../crds/names.ts";
import { limitsFor, rolesAskedFor } from "../../../domain/group/limits.ts";
import { edgeLimits } from "../../support/manifests.ts";
import { scalePolicy } from "../../support/resources.ts";

const { spec: policy } = scalePolicy({
  roles: [
    { role: "origin", minLimit: 1, maxLimit: 1 },
    edgeLimits({ minLimit: 2, maxLimit: 8, scaleAdjustment: 3, estimatedWarmUpSeconds: 60 }),
  ],
  regionOverrides: [
    { region: "region-b", roles: [edgeLimits({ minLimit: 0, maxLimit: 5 })] },
    {
      region: "region-c",
      roles: [edgeLimits({ minLimit: 0, maxLimit: 0 }), { role: "relay", minLimit: 1, maxLimit: 2 }],
    },
  ],
});

describe("the limits of a role in a region", () => {
  it("are those of the policy", () => {
    expect(limitsFor(policy, "edge", "region-a")).toMatchObject({ minLimit: 2, maxLimit: 8, scaleAdjustment: 3 });
  });

  it("are the region's own entry as a whole: what it leaves out takes its default, not the policy's word", () => {
    expect(limitsFor(policy, "edge", "region-b")).toEqual({
      role: "edge",
      minLimit: 0,
      maxLimit: 5,
      scaleOutWaitSeconds: 0,
      scaleInWaitSeconds: 0,
      estimatedWarmUpSeconds: 150,
    });
  });

  it("are the policy's for a role that the region does not name", () => {
    expect(limitsFor(policy, "origin", "region-b")).toMatchObject({ minLimit: 1, maxLimit: 1 });
  });

  it("may be those of a role that only the region names", () => {
    expect(limitsFor(policy, "relay", "region-c")).toMatchObject({ minLimit: 1, maxLimit: 2 });
  });

  it("are nothing for a role that nobody names", () => {
    expect(limitsFor(policy, "transcoder", "region-a")).toMatchObject({ minLimit: 0, maxLimit: 0 });
  });
});

describe("the roles that are asked for", () => {
  it.each([
    ["anywhere in the regions of the group", ["region-a", "region-c"], ["origin", "edge", "relay"]],
    ["not in regions that the group does not have", ["region-b"], ["origin", "edge"]],
    ["not where the maximum is nothing", ["region-c"], ["origin", "relay"]],
    ["of no region are none", [], []],
  ])("%s", (_name, regions, expected) => {
    expect(rolesAskedFor(policy, roles, regions)).toEqual(expected);
  });
});
