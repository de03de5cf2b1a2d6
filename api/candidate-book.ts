/** The nodes of each (group, role) that may be given to clients, kept by changes: a look-up reads no other node. */
import type { Role } from "../crds/names.ts";
import type { StreamNode } from "../crds/stream-node.ts";
import type { LoadFeed, NodeReport } from "../domain/load.ts";
import type { StreamNodeDirectory } from "./stream-node-directory.ts";

/** A node in service that is not about to go. */
export interface ServingNode {
  readonly uid: string;
  readonly name: string;
  readonly role: Role;
  readonly region: string;
  readonly address: string;
  readonly privateAddress?: string;
  readonly capacity: number;
}

/** Nodes of one role of a group. */
export interface CandidatePlace {
  readonly namespace: string;
  readonly group: string;
  readonly role: Role;
}

interface Entry {
  readonly uid: string;
  /** Undefined: it exists, and is not to be given to clients. */
  readonly serving: ServingNode | undefined;
  report: NodeReport | undefined;
}

/** Follows the directory and the reports until it is closed. */
export class CandidateBook {
  readonly #directory: StreamNodeDirectory;
  readonly #reports: Pick<LoadFeed, "latest">;
  /** By place, and there by name. */
  readonly #places = new Map<string, Map<string, Entry>>();
  readonly #byUid = new Map<string, Entry>();
  readonly #endings: readonly (() => void)[];

  constructor(directory: StreamNodeDirectory, reports: Pick<LoadFeed, "latest" | "subscribe">) {
    this.#directory = directory;
    this.#reports = reports;
    this.#endings = [
      reports.subscribe((report) => this.#take(report)),
      directory.onChanged((node) => this.#follow(node)),
    ];
  }

  /** Calls `visit` with each node that serves, and its newest report where there is one. */
  forEach(place: CandidatePlace, visit: (node: ServingNode, report: NodeReport | undefined) => void): void {
    for (const { serving, report } of this.#places.get(placeKey(place))?.values() ?? []) {
      if (serving !== undefined) visit(serving, report);
    }
  }

  /** Whether there is any node, serving or not. */
  hasNodes(place: CandidatePlace): boolean {
    return this.#places.has(placeKey(place));
  }

  close(): void {
    for (const end of this.#endings) end();
  }

  #take(report: NodeReport): void {
    const entry = this.#byUid.get(report.uid);
    if (entry !== undefined) entry.report = report;
  }

  /** Looks at what there is now under the name of the node that changed. */
  #follow({ metadata: { namespace, name }, spec: { group, role } }: StreamNode): void {
    const key = placeKey({ namespace, group, role });
    const place = this.#places.get(key) ?? new Map<string, Entry>();
    const known = place.get(name);
    if (known !== undefined) this.#byUid.delete(known.uid);
    const entry = this.#entryOf(this.#directory.byName(namespace, name));
    if (entry === undefined) place.delete(name);
    else {
      place.set(name, entry);
      this.#byUid.set(entry.uid, entry);
    }
    if (place.size === 0) this.#places.delete(key);
    else this.#places.set(key, place);
  }

  #entryOf(node: StreamNode | undefined): Entry | undefined {
    if (node === undefined) return undefined;
    const { uid } = node.metadata;
    return { uid, serving: servingNode(node), report: this.#reports.latest(uid) };
  }
}

function servingNode({ metadata, spec, status }: StreamNode): ServingNode | undefined {
  const registration = status?.registration;
  if (status?.phase !== "InService" || registration === undefined || registration.goodbyeAt !== undefined) {
    return undefined;
  }
  if (spec.drain !== undefined || metadata.deletionTimestamp !== undefined) return undefined;
  const { address, privateAddress } = registration;
  return {
    ...{ uid: metadata.uid, name: metadata.name, role: spec.role, region: spec.region, address },
    ...(privateAddress !== undefined && { privateAddress }),
    capacity: spec.launch.connectionCapacity,
  };
}

function placeKey({ namespace, group, role }: CandidatePlace): string {
  return `${namespace}/${group}/${role}`;
}
