/** A line of the log that somebody else may make long: it takes no time to speak of, and shows no secret. */
import { describe, expect, it } from "@jest/globals";
import { createLogger } from "../../runtime/logger.ts";

function logged(text: string): string {
  const written: string[] = [];
  const logger = createLogger({ level: "info", destination: { write: (line) => written.push(line) } });
  logger.info("a", { text });
  return (JSON.parse(written.join("")) as { readonly text: string }).text;
}

const token = "sfn2.0123456789ab.WyJtZWRpYSJd.s3cret";

describe("a long text in a log", () => {
  it("is cut before secrets are looked for, and says how much is left out", () => {
    const text = logged("word ".repeat(4_000));
    expect(text.length).toBeLessThan(4_200);
    expect(text).toMatch(/word \[\d+ characters more\]$/);
    expect(logged("a".repeat(16_384))).toBe("[16384 characters more]");
  });

  it.each(["", "x", "x ".repeat(10)])("shows no half of a token that the cut goes through (after %j)", (before) => {
    for (let at = 4_050; at <= 4_100; at++) {
      const text = logged(`${before}${" ".repeat(at - before.length)}${token} and Bearer ${token}${" .".repeat(500)}`);
      expect(text).not.toContain("s3c");
      expect(text).not.toContain("WyJt");
    }
  });
});
