/** What kubectl asks first: which groups, versions and resources there are. */
import type { JsonObject } from "./json.ts";
import type { Kind } from "./kinds.ts";

const verbs = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];
const statusVerbs = ["get", "patch", "update"];

export const aggregatedContentType = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/** `/api` for the core group, `/apis` for the others, in the form that says everything at once. */
export function aggregatedDiscovery(kinds: readonly Kind[], part: "Core" | "Groups"): JsonObject {
  const items = groupsOf(kinds)
    .filter(({ group }) => (group === "") === (part === "Core"))
    .map(({ group, version, members }) => ({
      metadata: group === "" ? {} : { name: group },
      versions: [{ version, resources: members.map(aggregatedResource), freshness: "Current" }],
    }));
  return { kind: "APIGroupDiscoveryList", apiVersion: "apidiscovery.k8s.io/v2", metadata: {}, items };
}

function aggregatedResource(kind: Kind): JsonObject {
  const { group, version, kind: name, plural, namespaced } = kind.type;
  const responseKind = { group, version, kind: name };
  const status = { subresource: "status", responseKind, verbs: statusVerbs };
  return {
    resource: plural,
    responseKind,
    scope: namespaced ? "Namespaced" : "Cluster",
    singularResource: kind.singular,
    verbs,
    shortNames: kind.shortNames,
    categories: kind.categories,
    ...(kind.hasStatus ? { subresources: [status] } : {}),
  };
}

/** `/api` in its older form. */
export function apiVersions(): JsonObject {
  return { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] };
}

export function apiGroupList(kinds: readonly Kind[]): JsonObject {
  const groups = groupsOf(kinds).filter(({ group }) => group !== "");
  return {
    kind: "APIGroupList",
    apiVersion: "v1",
    groups: groups.map(({ group, version }) => groupBody(group, version)),
  };
}

/** `/apis/GROUP`, or undefined for a group that is not served. */
export function apiGroup(kinds: readonly Kind[], group: string): JsonObject | undefined {
  const found = groupsOf(kinds).find((one) => one.group === group);
  return found === undefined ? undefined : { kind: "APIGroup", apiVersion: "v1", ...groupBody(group, found.version) };
}

/** `/api/v1` or `/apis/GROUP/VERSION`, or undefined when it is not served. */
export function apiResourceList(kinds: readonly Kind[], group: string, version: string): JsonObject | undefined {
  const members = kinds.filter(({ type }) => type.group === group && type.version === version);
  if (members.length === 0) return undefined;
  const groupVersion = group === "" ? version : `${group}/${version}`;
  return { kind: "APIResourceList", apiVersion: "v1", groupVersion, resources: members.flatMap(plainResources) };
}

function plainResources(kind: Kind): readonly JsonObject[] {
  const { kind: name, plural, namespaced } = kind.type;
  const { singular: singularName, shortNames, categories } = kind;
  const own = { name: plural, singularName, namespaced, kind: name, verbs, shortNames, categories };
  const status = { name: `${plural}/status`, singularName: "", namespaced, kind: name, verbs: statusVerbs };
  return kind.hasStatus ? [own, status] : [own];
}

interface ServedGroup {
  readonly group: string;
  readonly version: string;
  readonly members: readonly Kind[];
}

function groupsOf(kinds: readonly Kind[]): readonly ServedGroup[] {
  const groups = Map.groupBy(kinds, ({ type }) => `${type.group}/${type.version}`);
  return [...groups.values()].flatMap((members) => {
    const [first] = members;
    return first === undefined ? [] : [{ group: first.type.group, version: first.type.version, members }];
  });
}

function groupBody(name: string, version: string): JsonObject {
  const preferred = { groupVersion: `${name}/${version}`, version };
  return { name, versions: [preferred], preferredVersion: preferred };
}
