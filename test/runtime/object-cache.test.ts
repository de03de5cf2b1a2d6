import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { ObjectCache } from "../../runtime/object-cache.ts";

interface Thing {
  readonly tags: readonly string[];
}

describe("the cache of objects", () => {
  it("finds by an index what a look at all objects would find, however they come and go", () => {
    const key = fc.constantFrom("a", "b", "c");
    const tag = fc.constantFrom("x", "y");
    const act = fc.record({ key, tags: fc.option(fc.array(tag, { maxLength: 3 })) });
    fc.assert(
      fc.property(fc.array(act, { maxLength: 20 }), (acts) => {
        const cache = new ObjectCache<Thing>({ tag: ({ tags }) => tags });
        const model = new Map<string, Thing>();
        for (const { key: at, tags } of acts) {
          if (tags === null) cache.delete(at);
          else cache.set(at, { tags });
          if (tags === null) model.delete(at);
          else model.set(at, { tags });
        }
        for (const value of ["x", "y"]) {
          const expected = [...model.values()].filter(({ tags }) => tags.includes(value));
          const found = cache.byIndex("tag", value);
          expect(found).toHaveLength(expected.length);
          expect(found).toEqual(expect.arrayContaining(expected));
          expect(cache.indexHas("tag", value)).toBe(expected.length > 0);
        }
        expect(cache.keys().toSorted()).toEqual([...model.keys()].toSorted());
      }),
    );
  });

  it("refuses an index that was not declared", () => {
    expect(() => new ObjectCache().byIndex("none", "x")).toThrow("there is no index none");
  });
});
