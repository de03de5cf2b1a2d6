/** Which node goes: the nodes of a place as `rankVictims` wants to see them. */
import type { StreamNode } from "../../crds/stream-node.ts";
import type { LoadFeed } from "../../domain/ports.ts";
import { fromRfc3339, instant } from "../../domain/time.ts";
import { mayHaveChildren, needsParent } from "../../domain/node/topology.ts";
import { rankVictims, type Victim } from "../../domain/scaling/victims.ts";
import type { Place } from "../../domain/group/place.ts";

/** The node of the place that is to go first, or undefined where none may; `requested` names the one asked for. */
export function victimAt(
  place: Place,
  nodes: readonly StreamNode[],
  feed: Pick<LoadFeed, "latest">,
  requested: string | undefined,
): StreamNode | undefined {
  const staying = stayingOf(nodes);
  const here = ofPlace(place, staying);
  const [first] = rankVictims(
    here.map((node) => candidateOf(node, staying, feed)),
    requested,
  );
  return here.find(({ metadata }) => metadata.uid === first?.uid);
}

/** Whether every node of the place has to stay, for each is the last parent of an edge. */
export function lacksVictim(place: Place, nodes: readonly StreamNode[]): boolean {
  if (!mayHaveChildren(place.role)) return false;
  const staying = stayingOf(nodes);
  return ofPlace(place, staying).every((node) => isLastParent(node, staying));
}

function stayingOf(nodes: readonly StreamNode[]): readonly StreamNode[] {
  return nodes.filter(({ metadata, spec }) => metadata.deletionTimestamp === undefined && spec.drain === undefined);
}

function ofPlace({ role, region }: Place, nodes: readonly StreamNode[]): readonly StreamNode[] {
  return nodes.filter(({ spec }) => spec.role === role && spec.region === region);
}

function candidateOf(node: StreamNode, staying: readonly StreamNode[], feed: Pick<LoadFeed, "latest">): Victim {
  const { metadata, spec, status } = node;
  const report = feed.latest(metadata.uid);
  const zone = status?.machine?.zone;
  return {
    name: metadata.name,
    uid: metadata.uid,
    inService: isServing(node),
    registered: status?.registration !== undefined,
    ...(report !== undefined && {
      publishers: report.publishers,
      streams: report.streams.length,
      connections: report.connections,
    }),
    ...(zone !== undefined && { zone }),
    createdAt: fromRfc3339(metadata.creationTimestamp) ?? instant(0),
    lastParent: mayHaveChildren(spec.role) && isLastParent(node, staying),
  };
}

/** No other node of its role serves, and some node is served through it. */
function isLastParent(node: StreamNode, staying: readonly StreamNode[]): boolean {
  const others = staying.some(
    (other) => other.metadata.uid !== node.metadata.uid && other.spec.role === node.spec.role && isServing(other),
  );
  return isServing(node) && !others && staying.some(({ spec }) => needsParent(spec.role));
}

function isServing({ status }: StreamNode): boolean {
  return status?.phase === "InService";
}
