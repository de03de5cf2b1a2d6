import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { largestBatch } from "../../../crds/launch-batch.ts";
import type { OwnershipTags } from "../../../domain/node/machine.ts";
import { batchName, formatSlots } from "../../../domain/names.ts";
import { clusterTag, fromTags, tokenTag, toTags } from "../../../domain/node/ownership.ts";
import { anyGroupName, anyRole, owner } from "../../support/domain-values.ts";

const anySlots = fc.uniqueArray(fc.nat({ max: 99_999 }), { minLength: 1, maxLength: largestBatch });
const anyOwner: fc.Arbitrary<OwnershipTags> = fc
  .record({
    clusterId: fc.string({ minLength: 1, maxLength: 63 }),
    namespace: fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/),
    group: anyGroupName,
    role: anyRole,
    number: fc.integer({ min: 1, max: 1_000_000 }),
    token: fc.stringMatching(/^[0-9a-f]{32}$/),
    slots: anySlots,
    connectionCapacity: fc.integer({ min: 1, max: 1_000_000 }),
  })
  .map(({ number, ...rest }) => ({ ...rest, batch: batchName(rest.group, rest.role, number) }));
const anyMetadata = fc.dictionary(
  fc.oneof(fc.string(), fc.constantFrom(...Object.keys(toTags(owner(), {})), "__proto__", "constructor")),
  fc.string({ maxLength: 256 }),
);

describe("the tags of a machine", () => {
  it("say whose it is, so that its node can be rebuilt from them alone", () => {
    fc.assert(fc.property(anyOwner, (given) => expect(fromTags(toTags(given, {}))).toEqual(given)));
  });

  it("keep the user's own, and none of those can pass for ours", () => {
    fc.assert(
      fc.property(anyOwner, anyMetadata, (given, metadata) => {
        const tags = toTags(given, metadata);
        expect(fromTags(tags)).toEqual(given);
        const ours = toTags(given, {});
        const theirs = Object.entries(metadata).filter(([key]) => !Object.hasOwn(ours, key));
        expect(Object.entries(tags)).toHaveLength(Object.keys(ours).length + theirs.length);
        for (const [key, value] of theirs) expect(tags[key]).toBe(value);
      }),
    );
  });

  it("are all known by the operator's prefix, the cluster and the token among them", () => {
    const tags = toTags(owner(), {});
    for (const key of Object.keys(tags)) expect(key).toMatch(/^streamfleet\.dev\/[a-z]+$/);
    expect([tags[clusterTag], tags[tokenTag]]).toEqual(["cluster-1", "token-1"]);
  });

  it("have values that every cloud takes, for the largest batch of any slots", () => {
    fc.assert(
      fc.property(anyOwner, (given) => {
        for (const value of Object.values(toTags(given, {}))) expect(value.length).toBeLessThanOrEqual(256);
      }),
    );
  });

  it("have room for the slots that are longest to write", () => {
    const slots = Array.from({ length: largestBatch }, (_, index) => 99_999 - 2 * index);
    const tags = toTags(owner({ slots }), {});
    expect(formatSlots(slots).length).toBeGreaterThan(256);
    expect(tags["streamfleet.dev/slots"]?.length).toBeLessThanOrEqual(256);
    expect(fromTags(tags)?.slots).toEqual(slots);
  });

  it("show people the slots where there is room", () => {
    expect(toTags(owner({ slots: [0, 1, 2, 7] }), {})["streamfleet.dev/slots"]).toBe("0-2,7");
  });
});

describe("tags that make no sense", () => {
  it.each(Object.keys(toTags(owner(), {})))("are those without %s", (missing) => {
    const tags = Object.entries(toTags(owner(), {})).filter(([key]) => key !== missing);
    expect(fromTags(Object.fromEntries(tags))).toBeUndefined();
  });

  it.each([
    ["role", "manager"],
    ["role", "constructor"],
    ["slots", ""],
    ["slots", "all"],
    ["slots", "z"],
    ["slots", "z0-zzzz"],
    ["capacity", ""],
    ["capacity", "0"],
    ["capacity", "-5"],
    ["capacity", "1.5"],
    ["capacity", "1e300"],
    ["capacity", "many"],
    ["group", ""],
    ["group", "Live"],
    ["namespace", "a/b"],
    // It would be written into a label: the API server would refuse the node, and the sweep would stop at it for ever.
    ["batch", "edited by hand"],
    ["batch", "b".repeat(64)],
  ])("are those with %s %j", (name, value) => {
    expect(fromTags({ ...toTags(owner(), {}), [`streamfleet.dev/${name}`]: value })).toBeUndefined();
  });

  it("are read without a throw, whatever they are", () => {
    fc.assert(
      fc.property(anyMetadata, (tags) => {
        fromTags(tags);
      }),
    );
  });
});
