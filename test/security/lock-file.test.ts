/** What an installation runs: everything has a hash in the lock file, the Node that runs it included, and no script of a package runs. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { z } from "zod";

const root = join(import.meta.dirname, "..", "..");
const read = (name: string): unknown => JSON.parse(readFileSync(join(root, name), "utf8"));

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.object({
      integrity: z.string().optional(),
      inBundle: z.boolean().optional(),
      hasInstallScript: z.boolean().optional(),
      os: z.union([z.string(), z.array(z.string())]).optional(),
      cpu: z.union([z.string(), z.array(z.string())]).optional(),
      bin: z.record(z.string(), z.string()).optional(),
    }),
  ),
});
const { packages } = lockSchema.parse(read("package-lock.json"));
const installed = Object.entries(packages).filter(([path]) => path !== "");

describe("the lock file", () => {
  it("has a hash of every package", () => {
    const without = installed.filter(([, { integrity, inBundle }]) => integrity === undefined && inBundle !== true);
    expect(without.map(([path]) => path)).toEqual([]);
  });

  it.each([
    ["linux", "x64"],
    ["linux", "arm64"],
    ["darwin", "x64"],
    ["darwin", "arm64"],
  ])("has the Node for %s on %s", (os, cpu) => {
    const fitting = installed.filter(
      ([, held]) =>
        held.bin?.["node"] !== undefined && [held.os].flat().includes(os) && [held.cpu].flat().includes(cpu),
    );
    expect(fitting).toHaveLength(1);
    expect(fitting[0]?.[1].integrity).toMatch(/^sha512-/);
  });

  it("lets no install script run", () => {
    const { allowScripts } = z.object({ allowScripts: z.record(z.string(), z.boolean()) }).parse(read("package.json"));
    expect(Object.values(allowScripts)).not.toContain(true);
    const scripted = installed.filter(([, { hasInstallScript }]) => hasInstallScript === true);
    const names = scripted.map(([path]) => path.replace(/^.*node_modules\//, ""));
    expect(names.filter((name) => !(name in allowScripts) && name !== "fsevents")).toEqual([]);
  });
});
