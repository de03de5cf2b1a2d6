/**
 * The client library's KubeConfig without the rest of the library. Its module imports a thousand generated models and a
 * second HTTP client, 60 MB that nothing here calls: they are left out while it is loaded.
 */
import { registerHooks } from "node:module";
import type { KubeConfig } from "@kubernetes/client-node";

type KubeConfigClass = typeof KubeConfig;

const importer = /\/@kubernetes\/client-node\/dist\/config\.js$/;

/** What its module takes from each of those, by the name under which it imports it. Only clients of theirs are made of it. */
const leftOut: Readonly<Record<string, readonly string[]>> = {
  "./gen/index.js": ["createConfiguration", "ServerConfiguration"],
  undici: ["Agent", "ProxyAgent"],
};

/** Loads the class; once in a process. A version of the library that is built otherwise is loaded as it is. */
export async function kubeConfigClass(): Promise<KubeConfigClass> {
  try {
    return await withoutModels(kubeConfigModule);
  } catch {
    return (await import("@kubernetes/client-node")).KubeConfig;
  }
}

async function kubeConfigModule(): Promise<KubeConfigClass> {
  return (await import("@kubernetes/client-node/dist/config.js")).KubeConfig;
}

async function withoutModels<T>(load: () => Promise<T>): Promise<T> {
  const hooks = registerHooks({
    resolve: (specifier, context, next) => {
      const names = importer.test(context.parentURL ?? "") ? leftOut[specifier] : undefined;
      return names === undefined ? next(specifier, context) : { url: emptyModule(names), shortCircuit: true };
    },
  });
  try {
    return await load();
  } finally {
    hooks.deregister();
  }
}

/** A module of functions that refuse to be called. */
function emptyModule(names: readonly string[]): string {
  const refusals = names.map((name) => `export function ${name}() { throw new Error("${name} was left out"); }`);
  return `data:text/javascript,${encodeURIComponent(refusals.join("\n"))}`;
}
