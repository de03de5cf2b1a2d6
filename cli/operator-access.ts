/** How a command finds the fleet that it is about: through the kubeconfig that `up` wrote, or that of a real cluster. */
import { resourceType } from "../crds/names.ts";
import { type NodeGroup, nodeGroupSchema } from "../crds/node-group.ts";
import type { Clock } from "../domain/ports.ts";
import { loadKeyRing, nodeKeysSecretName } from "../runtime/key-ring.ts";
import { KubeClient, loadKubeConfig, parseKubeConfig } from "../runtime/kube-client.ts";
import { ApiError, type KubernetesApi, type KubernetesObject, type ResourceType } from "../runtime/kubernetes-api.ts";
import { signOperatorToken } from "../runtime/node-tokens.ts";
import { messageOf } from "../runtime/thrown.ts";
import { dataDirectory, usualDataDir } from "../local/data-directory.ts";
import { foreignIn } from "../local/kube/kubeconfig.ts";
import { readOwnFile } from "../local/own-file.ts";

/** What a person must change before the command can do its work: one line. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly isForPeople = true;
}

/** What a person has said; where both are absent, the folder in which he stands. */
export interface FleetAddress {
  /** The folder of `up`. */
  readonly dataDir?: string;
  /** Kubeconfig files (KUBECONFIG), where no folder was named. */
  readonly kubeconfig?: string;
}

/**
 * A client of the fleet's Kubernetes API: of the folder that is named, else of KUBECONFIG, else of the folder in which the
 * caller stands. A folder's own kubeconfig is used only where the caller wrote it, and it is one that `up` writes: a
 * kubeconfig can name programs to run, and a folder may be anybody's. Throws `CommandError` and `KubeConfigError`; calls nobody.
 */
export async function openKube({ dataDir, kubeconfig }: FleetAddress, clock: Clock): Promise<KubeClient> {
  if (dataDir === undefined && kubeconfig !== undefined) {
    const whereabouts = {
      name: `that KUBECONFIG names (${kubeconfig})`,
      advice: "look whether it runs, or name the folder of `streamfleet up` with --data-dir",
    };
    return new FleetClient({ config: await loadKubeConfig(kubeconfig), clock }, whereabouts);
  }
  const folder = dataDir ?? usualDataDir;
  const config = await parseKubeConfig(folderKubeconfig(folder));
  const { root } = dataDirectory(folder);
  return new FleetClient({ config, clock }, { name: `of ${root}`, advice: "is `streamfleet up` running?" });
}

/** How people know a server, and what they can do where it does not answer. */
interface Whereabouts {
  readonly name: string;
  readonly advice: string;
}

class FleetClient extends KubeClient {
  readonly whereabouts: Whereabouts;

  constructor(options: ConstructorParameters<typeof KubeClient>[0], whereabouts: Whereabouts) {
    super(options);
    this.whereabouts = whereabouts;
  }
}

function folderKubeconfig(dataDir: string): string {
  const { kubeconfig: path, root } = dataDirectory(dataDir);
  const file = readOwnFile(path);
  if (file.kind === "Missing") {
    throw new CommandError(`\`streamfleet up\` has not run in ${root}: start it, or name its folder with --data-dir`);
  }
  const why = file.kind === "Foreign" ? file.why : foreignIn(file.text);
  if (why === undefined && file.kind === "Read") return file.text;
  const advice = "if you trust it, name it in KUBECONFIG";
  throw new CommandError(
    `${path} is not used, for \`streamfleet up\` of yours did not write it (${why ?? ""}): ${advice}`,
  );
}

/** The group, which must exist. Throws `CommandError`. */
export async function readGroup(
  kube: KubernetesApi,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): Promise<NodeGroup> {
  const group = await findGroup(kube, { namespace, name });
  if (group !== undefined) return group;
  throw new CommandError(`there is no NodeGroup ${name} in namespace ${namespace}: see \`kubectl get nodegroups -A\``);
}

/** The name of the only group of a namespace. Throws `CommandError` where that is not clear. */
export async function onlyGroup(kube: KubernetesApi, { namespace }: { readonly namespace: string }): Promise<string> {
  const items = await listObjects(kube, resourceType("NodeGroup"), { namespace });
  const names = items.map(({ metadata }) => metadata.name);
  const [only] = names;
  if (only !== undefined && names.length === 1) return only;
  const choice = names.length === 0 ? `namespace ${namespace} has none now` : names.join(", ");
  throw new CommandError(`say which NodeGroup: ${choice}`);
}

/** The group, where there is one. Throws `CommandError`. */
export async function findGroup(
  kube: KubernetesApi,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): Promise<NodeGroup | undefined> {
  const found = await findObject(kube, resourceType("NodeGroup"), { namespace, name });
  return found === undefined ? undefined : nodeGroupSchema.parse(found);
}

const secretType: ResourceType = { group: "", version: "v1", kind: "Secret", plural: "secrets", namespaced: true };

/** The token by which the fleet's API knows an operator. Makes no key where there is none. Throws `CommandError`. */
export async function operatorToken(
  kube: KubernetesApi,
  of: { readonly namespace: string; readonly clock: Clock },
): Promise<string> {
  const missing = `no operator has run here: there is no Secret ${nodeKeysSecretName} in namespace ${of.namespace}`;
  await readObject(kube, secretType, { namespace: of.namespace, name: nodeKeysSecretName }, missing);
  const random = (): never => {
    throw new CommandError(missing);
  };
  return signOperatorToken((await loadKeyRing(kube, of.namespace, { clock: of.clock, random })).current);
}

async function readObject(
  kube: KubernetesApi,
  type: ResourceType,
  address: { readonly namespace: string; readonly name: string },
  missing: string,
): Promise<KubernetesObject> {
  const found = await findObject(kube, type, address);
  if (found === undefined) throw new CommandError(missing);
  return found;
}

/** All objects of a kind. Throws `CommandError`. */
export async function listObjects(
  kube: KubernetesApi,
  type: ResourceType,
  scope: { readonly namespace?: string },
): Promise<readonly KubernetesObject[]> {
  try {
    return (await kube.list(type, scope)).items;
  } catch (cause) {
    if (!(cause instanceof ApiError)) throw silent(kube, cause);
    const advice = cause.code === 404 ? ": is streamfleet installed there?" : "";
    throw new CommandError(`${cause.message}${advice}`, { cause });
  }
}

async function findObject(
  kube: KubernetesApi,
  type: ResourceType,
  address: { readonly namespace: string; readonly name: string },
): Promise<KubernetesObject | undefined> {
  try {
    return await kube.get(type, address);
  } catch (cause) {
    if (!(cause instanceof ApiError)) throw silent(kube, cause);
    if (cause.code === 404) return undefined;
    throw new CommandError(cause.message, { cause });
  }
}

function silent(kube: KubernetesApi, cause: unknown): CommandError {
  if (!(kube instanceof FleetClient)) return unanswered("the Kubernetes API", cause);
  const { name, advice } = kube.whereabouts;
  return unanswered(`the Kubernetes API ${name}`, cause, advice);
}

/** Nothing answers there; `advice` says what to do. */
export function unanswered(what: string, cause: unknown, advice = "is `streamfleet up` running?"): CommandError {
  const why = (messageOf(cause).split("\n")[0] ?? "") || "no answer";
  return new CommandError(`${what} does not answer (${why}): ${advice}`, { cause });
}
