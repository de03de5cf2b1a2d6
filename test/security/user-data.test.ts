/** Settings that a group gives its machines: the file that holds them may be sourced by a shell, which runs none of it. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { renderUserData } from "../../domain/launch/user-data.ts";
import { ScratchDirectory } from "../support/scratch-directory.ts";

let scratch: ScratchDirectory;
beforeEach(() => {
  scratch = new ScratchDirectory();
});
afterEach(() => scratch.remove());

/** What a shell has in its variables after it has sourced the file that a machine writes at boot. */
function sourced(properties: Readonly<Record<string, string>>): readonly string[] {
  const file = join(scratch.path, "streamfleet.env");
  const settings = { apiUrl: "http://10.0.0.1/it's", platform: "simulated", joinToken: "sfj1.a.b.c", properties };
  const script = renderUserData(settings, "").replace("/etc/streamfleet.env", file);
  execFileSync("/bin/sh", ["-c", script]);
  const names = ["API_URL", "PLATFORM", "JOIN_TOKEN", "PROPERTIES"].map((name) => `"$STREAMFLEET_${name}"`);
  const out = execFileSync("/bin/sh", ["-euc", `. "${file}"; printf '%s\\0' ${names.join(" ")}`], {
    encoding: "utf8",
  });
  return out.split("\0").slice(0, -1);
}

describe("the settings of a machine, sourced by a shell", () => {
  it.each([
    ["runs a program", (to: string) => `$(touch ${to})`],
    ["runs a program in old style", (to: string) => `\`touch ${to}\``],
    ["closes a single quote", (to: string) => `'; touch ${to}; '`],
    ["closes a double quote", (to: string) => `"; touch ${to}; "`],
    ["starts a line", (to: string) => `\ntouch ${to}\n`],
    ["ends the file", (to: string) => `\nSTREAMFLEET_SETTINGS\ntouch ${to}\n`],
    ["escapes what follows", (to: string) => `\\'; touch ${to} #\\`],
    ["is split in words", (to: string) => `x touch ${to} & touch ${to}`],
  ])("are values and nothing more: one that %s", (_name, hostile) => {
    const made = join(scratch.path, "made");
    const properties = { [hostile(made)]: hostile(made), plain: "high", $HOME: "~" };
    const [apiUrl, platform, joinToken, json] = sourced(properties);
    expect(existsSync(made)).toBe(false);
    expect([apiUrl, platform, joinToken]).toEqual(["http://10.0.0.1/it%27s", "simulated", "sfj1.a.b.c"]);
    expect(JSON.parse(json!)).toEqual(properties);
    expect(readFileSync(join(scratch.path, "streamfleet.env"), "utf8").split("\n")).toHaveLength(5);
  });
});
