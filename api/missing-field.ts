/** What is said of a field that is not there: that it is missing, rather than that it is of another type. */
import type { z } from "zod";

/** For `safeParse(…, { error: sayMissing })`. Messages of a schema's own go before it. */
export const sayMissing: z.core.$ZodErrorMap = (issue) => {
  if (issue.input !== undefined) return undefined;
  if (issue.code === "invalid_type")
    return `is missing: write ${words[issue.expected] ?? `a value of type ${issue.expected}`}`;
  if (issue.code === "invalid_value") return `is missing: write ${oneOf(issue.values)}`;
  return "is missing";
};

const words: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

function oneOf(values: readonly unknown[]): string {
  const texts = values.map((value) => JSON.stringify(value));
  return texts.length === 1 ? (texts[0] ?? "a value") : `one of ${texts.join(", ")}`;
}
