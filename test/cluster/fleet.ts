/** The fleet as kubectl shows it. */
import type { Kubectl } from "./kubectl.ts";

/** What must stay the same of a node through every crash. */
export interface NodeIdentity {
  readonly name: string;
  readonly uid: string;
  readonly machine: string;
}

export interface FleetNode extends NodeIdentity {
  readonly role: string;
  readonly phase: string;
}

interface StreamNodeShape {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly spec: { readonly role: string; readonly providerId?: string };
  readonly status?: { readonly phase?: string };
}

/** All StreamNodes of a namespace, by name. */
export async function streamNodes(kubectl: Kubectl, namespace: string): Promise<readonly FleetNode[]> {
  const answer = await kubectl.must(["get", "streamnodes", "-n", namespace, "-o", "json"]);
  const { items } = JSON.parse(answer) as { readonly items: readonly StreamNodeShape[] };
  return items.map(toFleetNode).sort((a, b) => a.name.localeCompare(b.name));
}

function toFleetNode({ metadata, spec, status }: StreamNodeShape): FleetNode {
  return {
    name: metadata.name,
    uid: metadata.uid,
    machine: spec.providerId ?? "",
    role: spec.role,
    phase: status?.phase ?? "",
  };
}

export function identityOf({ name, uid, machine }: FleetNode): NodeIdentity {
  return { name, uid, machine };
}

/** Names of the nodes in service. */
export function inService(nodes: readonly FleetNode[]): readonly string[] {
  return nodes.filter(({ phase }) => phase === "InService").map(({ name }) => name);
}
