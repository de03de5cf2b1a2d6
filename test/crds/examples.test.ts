import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { readdirSync, readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import type { Kind } from "../../crds/names.ts";
import type { KubernetesObject } from "../../runtime/kubernetes-api.ts";
import { type EmbeddedServer, startEmbeddedServer } from "../support/embedded-server.ts";
import { type Place, placesOf, schemaOf } from "../support/crd-schema.ts";

const folder = new URL("../../examples/", import.meta.url);
const files = readdirSync(folder);

function manifestsOf(file: string): readonly KubernetesObject[] {
  return parseAllDocuments(readFileSync(new URL(file, folder), "utf8")).map(
    (document) => document.toJS() as KubernetesObject,
  );
}

/** Paths as `spec.roles.0.role`, an item of a list for all of them. */
function pathsOf(value: unknown, path: string): readonly string[] {
  if (typeof value !== "object" || value === null) return [path];
  const step = (name: string): string => `${path}.${Array.isArray(value) ? "0" : name}`;
  return [path, ...Object.entries(value).flatMap(([name, inner]) => pathsOf(inner, step(name)))];
}

const isField = ({ path }: Place): boolean => path[0] === "spec" && path.at(-1) !== "key";

describe("examples/every-field.yaml", () => {
  it.each(["NodeGroup", "ScalePolicy", "LaunchConfig"] as const)("has every field of a %s", (kind: Kind) => {
    const manifest = manifestsOf("every-field.yaml").find((one) => one.kind === kind);
    const written = new Set(pathsOf(manifest?.["spec"], "spec"));
    const missing = placesOf({ path: [], schema: schemaOf(kind) })
      .filter(isField)
      .map(({ path }) => path.join("."))
      .filter((path) => !written.has(path));
    // One platform excludes the others.
    expect(missing).toEqual(kind === "LaunchConfig" ? ["spec.aws", "spec.gce"] : []);
  });
});

describe.each(files)("examples/%s", (file) => {
  let server: EmbeddedServer;
  beforeAll(async () => {
    server = await startEmbeddedServer();
  });
  afterAll(() => server.close());

  it("is stored as it is written: a second apply finds nothing in a list that it did not say", async () => {
    for (const manifest of manifestsOf(file)) {
      const namespace = "default";
      const object = { ...manifest, metadata: { ...manifest.metadata, namespace } };
      const type = server.api.kinds.find((kind) => kind.type.kind === manifest.kind)!.type;
      const { spec } = (await server.api.create(type, object)) as KubernetesObject & { readonly spec: unknown };
      expect(listsOf(spec)).toEqual(listsOf(manifest["spec"]));
    }
  });
});

/** Every list of lists and maps in the value that people wrote, by its path: apply replaces it as a whole. */
function listsOf(value: unknown, path = "spec"): Readonly<Record<string, unknown>> {
  if (Array.isArray(value)) return { [path]: value };
  if (typeof value !== "object" || value === null) return {};
  const inner = Object.entries(value).filter(([name]) => name !== "edgeSources");
  return Object.assign({}, ...inner.map(([name, one]) => listsOf(one, `${path}.${name}`))) as Record<string, unknown>;
}
