/** What a request's path speaks of: a collection or an object of a kind. */
import type { Kind } from "./kinds.ts";

export interface ResourcePath {
  readonly kind: Kind;
  /** Absent: all namespaces, or a cluster-wide kind. */
  readonly namespace?: string;
  /** Absent: the collection. */
  readonly name?: string;
  readonly subresource?: string;
}

export type KindLookup = (group: string, version: string, plural: string) => Kind | undefined;

/** The resource at a decoded path such as `/apis/G/V/namespaces/NS/PLURAL/NAME/status`, or undefined where there is none. */
export function resourcePath(path: string, kindAt: KindLookup): ResourcePath | undefined {
  const [root, ...segments] = path.split("/").slice(1);
  if (root === "api") return inVersion("", segments[0] ?? "", segments.slice(1), kindAt);
  return root === "apis" ? inVersion(segments[0] ?? "", segments[1] ?? "", segments.slice(2), kindAt) : undefined;
}

function inVersion(
  group: string,
  version: string,
  segments: readonly string[],
  kindAt: KindLookup,
): ResourcePath | undefined {
  const [first = "", second = "", third, ...rest] = segments;
  const inner = first === "namespaces" && third !== undefined ? kindAt(group, version, third) : undefined;
  if (inner?.type.namespaced === true) return located(inner, second, rest);
  const kind = kindAt(group, version, first);
  if (kind === undefined) return undefined;
  // Of a namespaced kind only the collection has a path without a namespace.
  if (kind.type.namespaced && segments.length > 1) return undefined;
  return located(kind, undefined, segments.slice(1));
}

function located(kind: Kind, namespace: string | undefined, rest: readonly string[]): ResourcePath | undefined {
  const [name, subresource, ...more] = rest;
  if (more.length > 0 || name === "" || namespace === "") return undefined;
  return {
    kind,
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
    ...(subresource === undefined ? {} : { subresource }),
  };
}
