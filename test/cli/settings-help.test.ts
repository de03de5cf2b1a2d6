import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { settingsHelp } from "../../cli/settings-help.ts";
import { settingsOf } from "../../runtime/config-variables.ts";

const commands = ["up", "controller", "api", "migrate"] as const;
const page = readFileSync(join(import.meta.dirname, "../../docs/operations.md"), "utf8");

describe("the help of a command", () => {
  it.each(commands)("names each variable that %s reads, on lines that fit", (command) => {
    const lines = settingsHelp(command).split("\n");
    for (const { name } of settingsOf(command)) expect(lines.some((line) => line.startsWith(`  ${name}`))).toBe(true);
    expect(lines.every((line) => line.length <= 80)).toBe(true);
  });

  it("says what is required, and what holds where nothing is set", () => {
    expect(settingsHelp("controller")).toContain("  DATABASE_URL (required)\n      PostgreSQL, postgresql://");
    expect(settingsHelp("controller")).toContain("  STREAMFLEET_RETENTION_DAYS (default: 30)");
    expect(settingsHelp("up")).not.toContain("required");
    expect(settingsHelp("api")).not.toContain("STREAMFLEET_FEED_URLS");
  });

  it("has what the table of docs/operations.md has", () => {
    const inTable = page.matchAll(/^\| `([A-Z_]+)` \|/gm).map(([, name]) => name);
    const told = new Set(commands.flatMap((command) => settingsOf(command).map(({ name }) => name)));
    expect(new Set(inTable)).toEqual(told);
  });
});
