/** Manifests from YAML files: CustomResourceDefinitions, and examples applied to an empty cluster. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, parseAllDocuments } from "yaml";
import { ApiError, type KubernetesObject, type ResourceType } from "../runtime/kubernetes-api.ts";
import type { EmbeddedApi } from "./kube/embedded-api.ts";

/** Every generated CustomResourceDefinition of a folder. */
export function readDefinitions(folder: string): readonly unknown[] {
  const files = readdirSync(folder).filter((name) => name.endsWith(".yaml"));
  return files.sort().map((name): unknown => parse(readFileSync(join(folder, name), "utf8")));
}

/** Where kubectl keeps what was last applied, so that the next `kubectl apply` sees which fields were taken out. */
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

/**
 * Creates the objects of a file in namespace `default`, in its order, as `kubectl apply` would; one that is there stays.
 * Throws what the API throws.
 */
export async function createAll(api: EmbeddedApi, file: string): Promise<void> {
  for (const document of parseAllDocuments(readFileSync(file, "utf8"))) {
    const manifest = document.toJS() as KubernetesObject;
    const kind = api.kinds.find(({ type }) => type.kind === manifest.kind);
    if (kind === undefined) throw new Error(`${file}: kind ${manifest.kind} is not served`);
    const object = { ...manifest, metadata: { ...manifest.metadata, namespace: "default" } };
    await createOnce(api, kind.type, asApplied(object));
  }
}

/** With the note that kubectl would have written, to the letter: it compares the text. */
function asApplied(object: KubernetesObject): KubernetesObject {
  const { metadata } = object;
  const { annotations = {} } = metadata;
  const note = `${JSON.stringify({ ...object, metadata: { ...metadata, annotations } }, inOrder)}\n`;
  return { ...object, metadata: { ...metadata, annotations: { ...annotations, [lastApplied]: note } } };
}

/** Writes the keys of every object in their order, as Go does. */
function inOrder(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1)));
}

async function createOnce(api: EmbeddedApi, type: ResourceType, object: KubernetesObject): Promise<void> {
  try {
    await api.create(type, object);
  } catch (error) {
    if (!(error instanceof ApiError && error.code === 409)) throw error;
  }
}
