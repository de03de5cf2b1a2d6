import { describe, expect, it } from "@jest/globals";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { customResourceDefinitions } from "../../crds/definitions.ts";
import { type Kind, kinds } from "../../crds/names.ts";
import { type Place, placesOf, schemaOf } from "../support/crd-schema.ts";

const root = join(import.meta.dirname, "..", "..");
const definitions = customResourceDefinitions();
const everyKind = Object.keys(kinds) as Kind[];
const writtenByPeople: readonly Kind[] = ["NodeGroup", "ScalePolicy", "LaunchConfig"];

/** Every place of a kind's schema but those that are Kubernetes' own. */
function placesOfKind(kind: Kind): readonly Place[] {
  const known = new Set(["apiVersion", "kind", "metadata"]);
  return placesOf({ path: [], schema: schemaOf(kind) }).filter(({ path }) => !known.has(String(path[0])));
}

/** Paths of the places that are not as they should be, for a message that names them. */
function pathsOf(places: readonly Place[], isWrong: (place: Place) => boolean): readonly string[] {
  return places.filter(isWrong).map(({ path }) => path.join("."));
}

const isField = ({ path }: Place) =>
  typeof path.at(-1) === "string" && path.at(-1) !== "key" && path.at(-1) !== "Running";

describe.each(everyKind)("the schema of %s", (kind) => {
  const places = placesOfKind(kind);

  it("describes every field in a sentence", () => {
    const silent = pathsOf(places, (place) => isField(place) && !/^[A-Z].*\.$/s.test(place.schema.description ?? ""));
    expect(silent).toEqual([]);
    expect(schemaOf(kind).description).toMatch(/^[A-Z].*\.$/);
  });

  it("bounds every text, list and map", () => {
    const unbounded = pathsOf(places, ({ schema }) => {
      if (schema.type === "string") return (schema.maxLength ?? schema.enum ?? schema.pattern) === undefined;
      if (schema.type === "array") return schema.maxItems === undefined;
      return schema.additionalProperties !== undefined && schema.maxProperties === undefined;
    });
    expect(unbounded).toEqual([]);
  });

  it("bounds every number from below, and every number that people write from above", () => {
    const numbers = places.filter(({ schema }) => schema.type === "integer" || schema.type === "number");
    const written = writtenByPeople.includes(kind) ? numbers.filter(({ path }) => path[0] === "spec") : [];
    expect(pathsOf(numbers, ({ schema }) => schema.minimum === undefined)).toEqual([]);
    expect(pathsOf(written, ({ schema }) => schema.maximum === undefined)).toEqual([]);
  });

  it("says of every list how it merges, by keys that every entry has", () => {
    const wrong = pathsOf(places, ({ schema }) => {
      if (schema.type !== "array") return false;
      if (schema.items?.type !== "object") return schema["x-kubernetes-list-type"] !== "set";
      const keys = schema["x-kubernetes-list-map-keys"] ?? [];
      const present = keys.every((key) => schema.items?.required?.includes(key) === true);
      return schema["x-kubernetes-list-type"] !== "map" || keys.length === 0 || !present;
    });
    expect(wrong).toEqual([]);
  });

  it("has no default below a list, where each apply would take it out and put it in again", () => {
    const below = places.filter(({ path }) => path.includes(0));
    expect(pathsOf(below, ({ schema }) => schema.default !== undefined)).toEqual([]);
  });

  it("has rules that say what to write", () => {
    const rules = [schemaOf(kind), ...places.map(({ schema }) => schema)].flatMap(
      (schema) => schema["x-kubernetes-validations"] ?? [],
    );
    for (const { message } of rules) expect(message).toMatch(/^\S.*: \S|^providerId is immutable/);
  });
});

describe.each(everyKind)("the definition of %s", (kind) => {
  const definition = definitions.find(({ spec }) => spec.names["kind"] === kind);
  const { plural, singular, shortName } = kinds[kind];

  it("has its names, a status subresource, and one version that is served and stored", () => {
    expect(definition).toMatchObject({
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: `${plural}.streamfleet.dev` },
      spec: {
        group: "streamfleet.dev",
        scope: "Namespaced",
        names: {
          kind,
          plural,
          singular,
          listKind: `${kind}List`,
          shortNames: [shortName],
          categories: ["streamfleet"],
        },
        versions: [{ name: "v1alpha1", served: true, storage: true, subresources: { status: {} } }],
      },
    });
    expect(definition?.spec.versions).toHaveLength(1);
  });

  it.each(["crds", "charts/streamfleet/crds"])("is what the YAML in %s says", (folder) => {
    const text = readFileSync(join(root, folder, `${plural}.streamfleet.dev.yaml`), "utf8");
    expect(text).toMatch(/^# Generated .*npm run generate/);
    expect(parse(text)).toEqual(JSON.parse(JSON.stringify(definition)));
  });
});

describe("the YAML files", () => {
  it("are there for the kinds, and no others", () => {
    const yaml = (folder: string) => readdirSync(join(root, folder)).filter((name) => name.endsWith(".yaml"));
    const expected = definitions.map(({ metadata }) => `${metadata.name}.yaml`).sort();
    expect(yaml("crds").sort()).toEqual(expected);
    expect(yaml("charts/streamfleet/crds").sort()).toEqual(expected);
  });
});

interface Column {
  readonly name: string;
  readonly type: string;
  readonly jsonPath: string;
  readonly priority?: number;
}

function columnsOf(kind: Kind): readonly Column[] {
  const [version] = definitions.find(({ spec }) => spec.names["kind"] === kind)?.spec.versions ?? [];
  return version?.["additionalPrinterColumns"] as readonly Column[];
}

describe("the columns of kubectl get", () => {
  it.each([
    ["NodeGroup", ["Origins", "Edges", "Ready", "Load", "Age"]],
    ["ScalePolicy", ["Accepted", "Mode", "Groups", "Age"]],
    ["LaunchConfig", ["Accepted", "Revision", "Groups", "Age"]],
    ["LaunchBatch", ["Role", "Region", "Slots", "Launched", "Reason", "Age"]],
    ["StreamNode", ["Role", "Phase", "Address", "Region", "Machine", "Age"]],
  ] as const)("of %s are %j, the others with -o wide", (kind, names) => {
    const shown = columnsOf(kind).filter(({ priority = 0 }) => priority === 0);
    expect(shown.map(({ name }) => name)).toEqual(names);
  });

  it.each(everyKind)("of %s show fields that there are, as what they are", (kind) => {
    const types = new Map(placesOfKind(kind).map(({ path, schema }) => [path.join("."), schema.type]));
    for (const { name, jsonPath, type } of columnsOf(kind)) {
      const path = jsonPath.slice(1).replace(/\[\?\(@\.type=="[A-Za-z]+"\)\]/, ".0");
      const found = path === "metadata.creationTimestamp" ? "date" : types.get(path);
      expect([name, found]).toEqual([name, type]);
    }
  });
});
