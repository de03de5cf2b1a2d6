import { describe, expect, it } from "@jest/globals";
import { z } from "zod";
import { sayMissing } from "../../api/missing-field.ts";
import { parseBody } from "../../api/problems.ts";

const schema = z.object({
  text: z.string(),
  number: z.number(),
  whole: z.int(),
  yes: z.boolean(),
  list: z.array(z.string()),
  thing: z.object({ a: z.string() }),
  choice: z.enum(["One", "Two"]),
  only: z.literal("x"),
  own: z.string("write a name such as live-edge-0"),
});

describe("a field that is missing", () => {
  it("reads as one, and says what to write", () => {
    const { issues } = schema.safeParse({}, { error: sayMissing }).error ?? { issues: [] };
    expect(Object.fromEntries(issues.map(({ path, message }) => [path[0], message]))).toEqual({
      text: "is missing: write a text",
      number: "is missing: write a number",
      whole: expect.stringMatching(/^is missing: write a (whole )?number$/),
      yes: "is missing: write true or false",
      list: "is missing: write a list",
      thing: "is missing: write an object",
      choice: 'is missing: write one of "One", "Two"',
      only: 'is missing: write "x"',
      own: "write a name such as live-edge-0",
    });
  });

  it("is told apart from one of another type", () => {
    const { issues } = z.object({ text: z.string() }).safeParse({ text: 5 }, { error: sayMissing }).error ?? {
      issues: [],
    };
    expect(issues[0]?.message).toContain("expected string, received number");
  });

  it("is named so by the API", () => {
    expect(() => parseBody(z.object({ a: z.object({ b: z.string() }) }), { a: {} })).toThrow(
      "a.b: is missing: write a text",
    );
  });
});
