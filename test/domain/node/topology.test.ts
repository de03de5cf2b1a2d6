import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { phases, roles } from "../../../crds/names.ts";
import {
  childRolesOf,
  mayHaveChildren,
  needsParent,
  parentsOf,
  type TopologyNode,
} from "../../../domain/node/topology.ts";
import { anyRole } from "../../support/domain-values.ts";

function origin(fields: Partial<TopologyNode> = {}): TopologyNode {
  const served = { phase: "InService", leaving: false, address: "192.0.2.1", privateAddress: undefined } as const;
  return { name: "live-origin-0", role: "origin", ...served, ...fields };
}

const anyNode = fc.record({
  name: fc.nat({ max: 30 }).map((slot) => `live-origin-${slot}`),
  role: anyRole,
  phase: fc.constantFrom(...phases),
  leaving: fc.boolean(),
  address: fc.option(fc.constant("192.0.2.1"), { nil: undefined }),
  privateAddress: fc.constant(undefined),
});

describe("the parents of an edge", () => {
  it("are the origins in service, by name, with the addresses they have", () => {
    const group = [origin({ name: "live-origin-1", privateAddress: "10.0.0.1" }), origin()];
    expect(parentsOf("edge", group)).toEqual([
      { name: "live-origin-0", address: "192.0.2.1" },
      { name: "live-origin-1", address: "192.0.2.1", privateAddress: "10.0.0.1" },
    ]);
  });

  it.each([
    ["is about to go", { leaving: true }],
    ["has no address yet", { address: undefined }],
    ["was never looked at", { phase: undefined }],
    ["is an edge itself", { role: "edge" }],
    ["is a relay", { role: "relay" }],
    ...phases.filter((phase) => phase !== "InService").map((phase) => [`is ${phase}`, { phase }] as const),
  ] as const)("are none that %s", (_name, fields) => {
    expect(parentsOf("edge", [origin(fields)])).toEqual([]);
  });
});

describe("parents", () => {
  it("are needed by edges and relays", () => {
    expect(roles.filter(needsParent)).toEqual(["edge", "relay"]);
  });

  it("are there for no role that needs none", () => {
    expect(roles.filter((role) => parentsOf(role, [origin()]).length > 0)).toEqual(roles.filter(needsParent));
  });

  it("are the same in whatever order the nodes are read", () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyNode, { selector: ({ name }) => name }), anyRole, (group, role) => {
        expect(parentsOf(role, group.toReversed())).toEqual(parentsOf(role, group));
      }),
    );
  });

  it("have a role that may have children", () => {
    expect(roles.filter(mayHaveChildren)).toEqual(roles.filter((role) => childRolesOf(origin({ role })).length > 0));
  });

  it("are parents to just the roles that they are named to", () => {
    fc.assert(
      fc.property(anyNode, anyRole, (node, role) => {
        expect(childRolesOf(node).includes(role)).toBe(parentsOf(role, [node]).length > 0);
      }),
    );
  });
});
