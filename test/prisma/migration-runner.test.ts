import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import {
  breakingSuffix,
  type Migration,
  MigrationError,
  migrationsDirectory,
  missingMigrations,
} from "../../prisma/migration-runner.ts";

const migrations: readonly Migration[] = ["1_nodes", "2_streams", "3_load"].map((name) => ({
  name,
  sql: `CREATE TABLE t${name}()`,
  checksum: `sum of ${name}`,
}));
const recorded = migrations.map(({ name, checksum }) => ({ name, checksum, finished: true }));

describe("missing migrations", () => {
  it.each([
    ["all of them, in order", [], ["1_nodes", "2_streams", "3_load"]],
    ["those that are new", recorded.slice(0, 2), ["3_load"]],
    ["one that came between", [recorded[0]!, recorded[2]!], ["2_streams"]],
    ["none", recorded, []],
  ])("are %s", (_name, records, expected) => {
    expect(missingMigrations(migrations, records, "Refuse").map(({ name }) => name)).toEqual(expected);
  });

  it.each([
    ["failed", { ...recorded[1]!, finished: false }, "the database's migration 2_streams did not finish"],
    [
      "is unknown",
      { ...recorded[1]!, name: "9_later" },
      "migration 9_later, which this version of streamfleet does not know",
    ],
    ["was edited", { ...recorded[1]!, checksum: "other" }, "migration 2_streams was edited after it was applied"],
  ])("are refused when one %s", (_name, record, message) => {
    expect(() => missingMigrations(migrations, [recorded[0]!, record], "Refuse")).toThrow(MigrationError);
    expect(() => missingMigrations(migrations, [recorded[0]!, record], "Refuse")).toThrow(message);
  });

  const added = { name: "9_later", checksum: "x", finished: true };

  it("are told beside newer ones that only add, unless the database is to be migrated", () => {
    expect(missingMigrations(migrations, [...recorded, added], "Tolerate")).toEqual([]);
    expect(() => missingMigrations(migrations, [...recorded, added], "Refuse")).toThrow(MigrationError);
  });

  it("are refused beside a newer one under which this version cannot work", () => {
    const breaking = { ...added, name: "9_later_breaking" };
    expect(() => missingMigrations(migrations, [...recorded, breaking], "Tolerate")).toThrow(
      "an older one cannot work with it",
    );
  });

  it.each(["Refuse", "Tolerate"] as const)("are refused where another application has its own (%s)", (newer) => {
    const foreign = [{ name: "20240101_init", checksum: "x", finished: true }];
    expect(() => missingMigrations(migrations, foreign, newer)).toThrow(
      "belongs to another application, whose migration 20240101_init is none of ours: give streamfleet a schema of its own",
    );
  });
});

/** What an older version cannot work with: something of its own goes, has another name or type, or asks for more than it writes. */
const tightens =
  /\bDROP (TABLE|COLUMN|CONSTRAINT)|\bDROP INDEX|\bRENAME\b|\bSET NOT NULL|\bTYPE\b|ADD COLUMN[^,;]*NOT NULL(?![^,;]*DEFAULT)/i;
/** Made before versions were taken back. */
const before = "20261127";

describe("our migrations", () => {
  const names = readdirSync(migrationsDirectory).filter((name) => !name.includes("."));

  it.each(names)("%s says by its name when an older version cannot work with it", (name) => {
    const sql = readFileSync(join(migrationsDirectory, name, "migration.sql"), "utf8");
    if (name < before) expect(name.endsWith(breakingSuffix)).toBe(false);
    else expect(name.endsWith(breakingSuffix)).toBe(tightens.test(sql));
  });

  it.each([
    ["ALTER TABLE a DROP COLUMN b", true],
    ["ALTER TABLE a ADD COLUMN b TEXT NOT NULL", true],
    ["ALTER TABLE a ADD COLUMN b TEXT NOT NULL DEFAULT ''", false],
    ["ALTER TABLE a ADD COLUMN b TEXT", false],
    ["CREATE INDEX a ON b(c); CREATE TABLE d (e TEXT NOT NULL)", false],
    ["ALTER TABLE a SET (fillfactor = 50)", false],
  ])("are told apart: %s", (sql, expected) => {
    expect(tightens.test(sql)).toBe(expected);
  });
});
