import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import config from "../../prisma.config.ts";
import { migrationsDirectory } from "../../prisma/migration-runner.ts";

const root = join(import.meta.dirname, "../..");

describe("the configuration of Prisma's own tools", () => {
  it("names our schema, and the migrations that we apply", () => {
    expect(existsSync(join(root, config.schema ?? ""))).toBe(true);
    expect(join(root, config.migrations?.path ?? "")).toBe(migrationsDirectory);
    expect(readdirSync(migrationsDirectory)).toContain("migration_lock.toml");
  });

  it("names no database but the one of DATABASE_URL", () => {
    expect(config.datasource?.url).toBe(process.env["DATABASE_URL"] ?? "");
  });
});
