import { describe, expect, it } from "@jest/globals";
import { missingMigrations, MigrationError } from "../../prisma/migration-runner.ts";
import type { Migration } from "../../prisma/migration-runner.ts";

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
    expect(missingMigrations(migrations, records).map(({ name }) => name)).toEqual(expected);
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
    expect(() => missingMigrations(migrations, [recorded[0]!, record])).toThrow(MigrationError);
    expect(() => missingMigrations(migrations, [recorded[0]!, record])).toThrow(message);
  });
});
