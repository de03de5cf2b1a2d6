/** `docs/security.md` names a test for each of its sentences: those tests are there. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";

const root = join(import.meta.dirname, "..", "..");
const document = readFileSync(join(root, "docs", "security.md"), "utf8");
const named = [...document.matchAll(/`(test\/[\w/.-]+\.test\.ts): "(.*?)"`[,)\n ]/g)].map(([, file, title]) => [
  file!,
  title!,
]);

describe("the security document", () => {
  it("names many tests", () => {
    expect(named.length).toBeGreaterThan(35);
    expect(document.match(/\.test\.ts: /g)).toHaveLength(named.length);
  });

  it.each(named)("names a test that is there: %s %s", (file, title) => {
    const source = readFileSync(join(root, file), "utf8");
    expect(source.includes(`"${title}"`)).toBe(true);
  });
});
