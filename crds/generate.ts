/** `node crds/generate.ts`: writes every CRD as YAML, here and into the chart, and their reference. With `--check` it only compares. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { customResourceDefinitions } from "./definitions.ts";
import { reference } from "./reference.ts";

const folders = [import.meta.dirname, join(import.meta.dirname, "..", "charts", "streamfleet", "crds")];
const page = join(import.meta.dirname, "..", "docs", "reference.md");
const heading = "# Generated from the schemas in crds/*.ts by `npm run generate`. Do not edit.\n";

/** The files that there are to be: path -> text. */
function generatedFiles(): ReadonlyMap<string, string> {
  const files = customResourceDefinitions().map((crd) => ({
    name: `${crd.metadata.name}.yaml`,
    text: heading + stringify(crd, { aliasDuplicateObjects: false, lineWidth: 0 }),
  }));
  const manifests = folders.flatMap((folder) => files.map(({ name, text }) => [join(folder, name), text] as const));
  return new Map([...manifests, [page, reference()]]);
}

function isCurrent(path: string, text: string): boolean {
  try {
    return readFileSync(path, "utf8") === text;
  } catch {
    return false;
  }
}

const stale = [...generatedFiles()].filter(([path, text]) => !isCurrent(path, text));
if (process.argv.includes("--check")) {
  for (const [path] of stale) console.error(`stale: ${path}: run \`npm run generate\``);
  process.exitCode = stale.length > 0 ? 1 : 0;
} else {
  for (const folder of folders) mkdirSync(folder, { recursive: true });
  for (const [path, text] of stale) writeFileSync(path, text);
}
