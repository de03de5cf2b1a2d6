/** A status is written only where it says something new, whatever form the same thing has. */
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { writeStatus } from "../../fleet/status-writer.ts";
import type { MergePatch, PatchOutcome } from "../../runtime/resource-client.ts";

interface Thing {
  readonly metadata: { readonly name: string };
  readonly status?: object;
}

/** What is written for a status when the object has another. */
async function written(current: object | undefined, next: MergePatch): Promise<readonly MergePatch[]> {
  const patches: MergePatch[] = [];
  const object: Thing = { metadata: { name: "a" }, ...(current !== undefined && { status: current }) };
  const patchStatus = (_object: Thing, patch: MergePatch): Promise<PatchOutcome<Thing>> => {
    patches.push(patch);
    return Promise.resolve({ kind: "Patched", object });
  };
  await writeStatus({ patchStatus }, object, next, new AbortController().signal);
  return patches;
}

describe("the status that is written", () => {
  it.each([
    [
      "a field of another value",
      { phase: "Running", zone: "a" },
      { phase: "InService", zone: "a" },
      { phase: "InService" },
    ],
    ["a field that was not there", {}, { phase: "Running" }, { phase: "Running" }],
    [
      "an object with another field",
      { machine: { zone: "a" } },
      { machine: { zone: "a", state: "Running" } },
      { machine: { zone: "a", state: "Running" } },
    ],
    [
      "an object with a field less",
      { machine: { zone: "a", state: "Running" } },
      { machine: { zone: "a" } },
      { machine: { zone: "a" } },
    ],
    ["a longer list", { slots: [1] }, { slots: [1, 2] }, { slots: [1, 2] }],
    ["a list in another order", { slots: [2, 1] }, { slots: [1, 2] }, { slots: [1, 2] }],
    ["a list in place of an object", { slots: { 0: 1 } }, { slots: [1] }, { slots: [1] }],
    ["zero in place of nothing", {}, { count: 0 }, { count: 0 }],
    ["all fields of a status that was not there", undefined, { phase: "Running" }, { phase: "Running" }],
  ])("is %s", async (_name, current, next, patch) => {
    expect(await written(current, next)).toEqual([patch]);
  });

  it.each([
    ["is the same", { phase: "Running", slots: [1, 2] }, { phase: "Running", slots: [1, 2] }],
    ["has its fields in another order", { machine: { zone: "a", state: "b" } }, { machine: { state: "b", zone: "a" } }],
    ["lacks a field", { phase: "Running", zone: "a" }, { phase: "Running" }],
    ["has an undefined field", { phase: "Running" }, { phase: "Running", zone: undefined }],
    ["has an undefined field further in", { machine: { zone: "a" } }, { machine: { zone: "a", state: undefined } }],
  ])("is nothing where the new one %s", async (_name, current, next) => {
    expect(await written(current, next)).toEqual([]);
  });

  it("is nothing for whatever JSON the server gives back", async () => {
    const anyStatus = fc.dictionary(fc.string(), fc.jsonValue());
    await fc.assert(
      fc.asyncProperty(anyStatus, async (status) => {
        expect(await written(JSON.parse(JSON.stringify(status)) as object, status)).toEqual([]);
      }),
    );
  });
});
