import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { conditionReasons, kinds } from "../../crds/names.ts";
import { reference } from "../../crds/reference.ts";

const page = reference();

describe("the reference of the kinds", () => {
  it("is what stands in docs/", () => {
    expect(readFileSync(join(import.meta.dirname, "../../docs/reference.md"), "utf8")).toBe(page);
  });

  it("has each kind with its conditions and their reasons", () => {
    for (const [kind, { plural, shortName }] of Object.entries(kinds)) {
      expect(page).toContain(`## ${kind}\n\n\`${plural}\`, \`${shortName}\`.`);
    }
    for (const conditions of Object.values(conditionReasons)) {
      for (const [type, reasons] of Object.entries(conditions))
        expect(page).toContain(
          `| \`${type}\` | ${(reasons as readonly string[]).map((name) => `\`${name}\``).join(", ")} |`,
        );
    }
  });

  it("tells bounds, defaults, lists, times and rules", () => {
    expect(page).toContain("| `spec.regions[]` | list of string, at most 40 characters, 1 to 16 entries,");
    expect(page).toContain("| `spec.pause.until` | string, a time as RFC 3339 has it |");
    expect(page).toMatch(/\| `spec\.scaleIn\.stabilizationSeconds` \| integer, [^|]*default `300`/);
    expect(page).toContain("- metadata.name must not contain a dot: write a hyphen instead");
  });

  it("has cells that no pipe ends early", () => {
    const rows = page.split("\n").filter((line) => line.startsWith("| `"));
    for (const row of rows) expect([2, 3]).toContain(row.split(/(?<!\\)\|/).length - 2);
  });
});
