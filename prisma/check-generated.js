/** Generates the client into a folder of its own and compares: exit 1 when the committed one is stale. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const schema = readFileSync(join(import.meta.dirname, "schema.prisma"), "utf8");
const committed = join(import.meta.dirname, "generated");
const folder = mkdtempSync(join(tmpdir(), "streamfleet-prisma-"));

/** Text of every file below a folder. The client repeats its own schema's path nowhere. */
function contents(root) {
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files.map(({ parentPath, name }) => [
      join(parentPath, name).slice(root.length),
      readFileSync(join(parentPath, name), "utf8"),
    ]),
  );
}

try {
  const copy = join(folder, "schema.prisma");
  writeFileSync(copy, schema.replace(/^(\s*output\s*=\s*).*$/m, `$1"./generated"`));
  const env = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: "/bin/true" };
  execFileSync("prisma", ["generate", "--schema", copy], { env, stdio: "pipe" });
  const expected = contents(join(folder, "generated"));
  const found = contents(committed);
  const differing = [...new Set([...expected.keys(), ...found.keys()])].filter(
    (name) => expected.get(name) !== found.get(name),
  );
  for (const name of differing) console.error(`stale: prisma/generated${name}: run \`npm run generate\``);
  process.exitCode = differing.length > 0 ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true });
}
