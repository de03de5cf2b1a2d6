import { describe, expect, it } from "@jest/globals";
import { directivesOf, drainDirectiveId } from "../../../domain/node/directive.ts";

const mark = { reason: "ScaleIn", at: "2026-01-01T00:00:00Z" } as const;

describe("directives", () => {
  it("are none while nothing is asked of the node", () => {
    expect(directivesOf(undefined)).toEqual([]);
  });

  it("tell of the drain each time, under the same id", () => {
    expect(directivesOf(mark)).toEqual([{ id: drainDirectiveId(mark), kind: "Drain", ...mark }]);
    expect(directivesOf({ ...mark })).toEqual(directivesOf(mark));
  });

  it("have the same id for the same moment, however it is written, and another for a new drain", () => {
    expect(drainDirectiveId({ ...mark, at: "2026-01-01T00:00:00.000Z" })).toBe(drainDirectiveId(mark));
    expect(drainDirectiveId({ ...mark, at: "2026-01-01T00:00:01Z" })).not.toBe(drainDirectiveId(mark));
  });
});
