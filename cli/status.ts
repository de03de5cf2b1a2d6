/** `streamfleet status`: reads the fleet's objects from the Kubernetes API, and shows them on one screen. */
import { type Kind, resourceType } from "../crds/names.ts";
import { nodeGroupSchema } from "../crds/node-group.ts";
import { streamNodeSchema } from "../crds/stream-node.ts";
import type { Clock } from "../domain/ports.ts";
import { systemClock } from "../runtime/clock.ts";
import { loadConfig, processEnvironment } from "../runtime/config.ts";
import type { KubernetesApi, KubernetesObject } from "../runtime/kubernetes-api.ts";
import { listObjects, openKube } from "./operator-access.ts";
import { type Fleet, statusScreen } from "./status-screen.ts";

export interface StatusOptions {
  readonly namespace: string;
  /** Of every namespace. */
  readonly allNamespaces?: boolean;
  readonly json: boolean;
  readonly dataDir?: string;
}

export interface StatusDeps {
  readonly clock: Clock;
  readonly write: (text: string) => void;
  /** Columns of the screen. */
  readonly columns: number;
  readonly kubeconfig?: string;
}

/** Prints the screen. Throws `CommandError` and `KubeConfigError`. */
export async function runStatus(options: StatusOptions, deps: StatusDeps): Promise<void> {
  const { clock, kubeconfig, write, columns } = deps;
  const { dataDir, json } = options;
  const address = { ...(dataDir !== undefined && { dataDir }), ...(kubeconfig !== undefined && { kubeconfig }) };
  const kube = await openKube(address, clock);
  try {
    const fleet = await readFleet(kube, options);
    write(json ? `${JSON.stringify(fleet, undefined, 2)}\n` : `${statusScreen(fleet, columns).join("\n")}\n`);
  } finally {
    kube.close();
  }
}

async function readFleet(kube: KubernetesApi, { namespace, allNamespaces }: StatusOptions): Promise<Fleet> {
  const scope = allNamespaces === true ? {} : { namespace };
  const [groups, nodes] = await Promise.all([list(kube, "NodeGroup", scope), list(kube, "StreamNode", scope)]);
  return {
    groups: groups.map((raw) => nodeGroupSchema.parse(raw)),
    nodes: nodes.map((raw) => streamNodeSchema.parse(raw)),
  };
}

function list(
  kube: KubernetesApi,
  kind: Kind,
  scope: { readonly namespace?: string },
): Promise<readonly KubernetesObject[]> {
  return listObjects(kube, resourceType(kind), scope);
}

/** The command itself, with what it needs of this process. */
const usualColumns = 80;

export async function statusCommand(flags: StatusOptions): Promise<void> {
  const { kubeconfig } = loadConfig(processEnvironment(), "up");
  const { stdout } = process;
  await runStatus(flags, {
    clock: systemClock(),
    write: (text) => void stdout.write(text),
    columns: stdout.isTTY ? stdout.columns : usualColumns,
    ...(kubeconfig !== undefined && { kubeconfig }),
  });
}
