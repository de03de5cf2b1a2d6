/** The nodes of each (group, role) that may be given to clients, kept by changes: a look-up reads no other node. */
import type { Role } from "../crds/names.ts";
import type { StreamNode } from "../crds/stream-node.ts";
import { servedAddresses } from "../domain/node/address.ts";
import type { NodeReport } from "../domain/load/report.ts";
import type { LoadFeed } from "../domain/ports.ts";
import type { Instant } from "../domain/time.ts";
import type { Candidate } from "../domain/node/placement.ts";
import { Reservations, type SlotHolder } from "./reservations.ts";
import type { StreamNodeDirectory } from "../fleet/stream-node-directory.ts";
import { groupText } from "../domain/group/place.ts";

/** What a client is told of a node. */
export interface ServingNode {
  readonly role: Role;
  readonly region: string;
  readonly address: string;
  readonly privateAddress?: string;
}

/** Nodes of one role of a group. */
export interface CandidateKey {
  readonly namespace: string;
  readonly group: string;
  readonly role: Role;
}

/** One node, from its creation to its end. It is changed in place: what is reserved on it stays. */
export class NodeCandidate implements Candidate, SlotHolder {
  readonly uid: string;
  readonly name: string;
  readonly capacity: number;
  connections = 0;
  reportedAt: Instant | undefined;
  /** Undefined while it does not serve, or is about to go. */
  serving: ServingNode | undefined;
  #accepting = false;
  #kept = 0;
  /** Kept slots whose clients are among `connections` already: the oldest. */
  #arrived = 0;
  /** Of the last report. */
  #counted: { readonly bootId: string; readonly admitted: number } | undefined;

  constructor({ metadata, spec }: StreamNode) {
    this.uid = metadata.uid;
    this.name = metadata.name;
    this.capacity = spec.launch.connectionCapacity;
  }

  get open(): boolean {
    return this.serving !== undefined && this.#accepting;
  }

  /** Slots that are kept for clients who have not been reported. */
  get reserved(): number {
    return this.#kept - this.#arrived;
  }

  keepSlot(): void {
    this.#kept += 1;
  }

  endSlot(): void {
    this.#kept -= 1;
    this.#arrived = Math.max(0, this.#arrived - 1);
  }

  /**
   * Clients that have come since the last report are those who were sent here: to count them twice would turn others away
   * from free slots. A node that does not count whom it takes in is taken to have got as many as it has more, which keeps a
   * slot too many where some have left meanwhile.
   */
  take({ bootId, admitted, connections, accepting, receivedAt }: NodeReport): void {
    const come = admitted === undefined ? connections - this.connections : admitted - this.#admittedBefore(bootId);
    this.#arrived = Math.min(this.#kept, this.#arrived + Math.max(0, come));
    this.#counted = { bootId, admitted: admitted ?? 0 };
    this.connections = connections;
    this.reportedAt = receivedAt;
    this.#accepting = accepting;
  }

  /** A node that is new here has counted clients whom nobody here has sent. */
  #admittedBefore(bootId: string): number {
    if (this.#counted === undefined) return Infinity;
    return this.#counted.bootId === bootId ? this.#counted.admitted : 0;
  }
}

/** The nodes of one role of a group, serving or not. */
export class CandidatePlace {
  readonly reservations = new Reservations();
  readonly byName = new Map<string, NodeCandidate>();
}

/** Follows the directory and the reports until it is closed. */
export class CandidateIndex {
  readonly #directory: StreamNodeDirectory;
  readonly #reports: Pick<LoadFeed, "latest">;
  readonly #places = new Map<string, CandidatePlace>();
  readonly #byUid = new Map<string, NodeCandidate>();
  readonly #endings: readonly (() => void)[];

  constructor(directory: StreamNodeDirectory, reports: Pick<LoadFeed, "latest" | "subscribe">) {
    this.#directory = directory;
    this.#reports = reports;
    this.#endings = [
      reports.subscribe((report) => this.#byUid.get(report.uid)?.take(report)),
      directory.onChanged((node) => this.#follow(node)),
    ];
  }

  /** Undefined: there is no node of this role, not even one that is coming. */
  at(key: CandidateKey): CandidatePlace | undefined {
    return this.#places.get(candidateText(key));
  }

  close(): void {
    for (const end of this.#endings) end();
  }

  /** Looks at what there is now under the name of the node that changed. */
  #follow({ metadata: { namespace, name }, spec: { group, role } }: StreamNode): void {
    const key = candidateText({ namespace, group, role });
    const place = this.#places.get(key) ?? new CandidatePlace();
    const node = this.#directory.byName(namespace, name);
    const known = place.byName.get(name);
    if (known !== undefined && known.uid !== node?.metadata.uid) this.#drop(place, known);
    if (node !== undefined) this.#candidateOf(place, node).serving = servingNode(node);
    if (place.byName.size === 0) this.#places.delete(key);
    else this.#places.set(key, place);
  }

  #candidateOf(place: CandidatePlace, node: StreamNode): NodeCandidate {
    const known = place.byName.get(node.metadata.name);
    if (known !== undefined) return known;
    const candidate = new NodeCandidate(node);
    const report = this.#reports.latest(candidate.uid);
    if (report !== undefined) candidate.take(report);
    place.byName.set(candidate.name, candidate);
    this.#byUid.set(candidate.uid, candidate);
    return candidate;
  }

  #drop(place: CandidatePlace, { name, uid }: NodeCandidate): void {
    place.byName.delete(name);
    this.#byUid.delete(uid);
  }
}

function servingNode({ metadata, spec, status }: StreamNode): ServingNode | undefined {
  const registration = status?.registration;
  if (status?.phase !== "InService" || registration === undefined) return undefined;
  const goes = spec.drain !== undefined || metadata.deletionTimestamp !== undefined;
  if (goes || registration.goodbyeAt !== undefined) return undefined;
  const { address, privateAddress } = servedAddresses({ metadata, spec, status });
  if (address === undefined) return undefined;
  const { role, region } = spec;
  return { role, region, address, ...(privateAddress !== undefined && { privateAddress }) };
}

function candidateText({ namespace, group, role }: CandidateKey): string {
  return `${groupText({ namespace, group })}/${role}`;
}
