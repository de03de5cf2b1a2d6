/** The newest report of each node, in memory: the load feed of this process. */
import { tellAll } from "../domain/listeners.ts";
import type { NodeReport, ReportRefusal, ScaleInRequest } from "../domain/load/report.ts";
import type { LoadFeed } from "../domain/ports.ts";
import { shared } from "../runtime/sharing.ts";
import type { Instant } from "../domain/time.ts";
import { RecentRequests } from "./recent-requests.ts";

/** More nodes than any fleet has: a bound on memory, not a limit to plan with. */
const mostNodes = 50_000;

/** Keeps one report per UID. Late, repeated and overtaken reports change nothing. */
export class LatestReports implements LoadFeed {
  readonly #reports = new Map<string, NodeReport>();
  readonly #requests = new RecentRequests();
  /** The newest of each node. */
  readonly #refusals = new Map<string, ReportRefusal>();
  readonly #listeners = new Set<(report: NodeReport) => void>();
  readonly #refusalListeners = new Set<(refusal: ReportRefusal) => void>();
  readonly #requestListeners = new Set<(request: ScaleInRequest) => void>();
  readonly #forgetListeners = new Set<(uid: string) => void>();
  readonly #mostNodes: number;
  /** A node that has said nothing before has at least its empty lists in common with others. */
  #last: NodeReport | undefined;

  constructor(options: { readonly mostNodes?: number } = {}) {
    this.#mostNodes = options.mostNodes ?? mostNodes;
  }

  /** Takes a report if it is newer than what is known, and says whether it did. */
  record(taken: NodeReport): boolean {
    const known = this.#reports.get(taken.uid);
    if (known !== undefined && !isNewer(taken, known)) return false;
    const report = shared(taken, known ?? this.#last);
    this.#last = report;
    // Deleting first keeps the map in order of arrival, so that the first entry is the one silent for longest.
    this.#reports.delete(report.uid);
    this.#reports.set(report.uid, report);
    this.#dropExcess();
    tellAll(this.#listeners, report);
    return true;
  }

  /** Notes that a report of a known node could not be taken, and tells of it. What is known of the node stays. */
  refuse(refusal: ReportRefusal): void {
    this.#refusals.delete(refusal.uid);
    this.#refusals.set(refusal.uid, refusal);
    const [oldest] = this.#refusals.keys();
    if (this.#refusals.size > this.#mostNodes && oldest !== undefined) this.#refusals.delete(oldest);
    tellAll(this.#refusalListeners, refusal);
  }

  /** The newest refusal of each node. */
  refusals(): readonly ReportRefusal[] {
    return [...this.#refusals.values()];
  }

  onRefused(listener: (refusal: ReportRefusal) => void): () => void {
    this.#refusalListeners.add(listener);
    return () => this.#refusalListeners.delete(listener);
  }

  /** Takes a scale-in request if it is newer than what this origin asked for the same node before, and tells of it. */
  requestScaleIn(request: ScaleInRequest): void {
    if (!this.#requests.add(request)) return;
    tellAll(this.#requestListeners, request);
  }

  /** Scale-in requests that are not forgotten yet, the newest of each origin and node. */
  scaleInRequests(now: Instant): readonly ScaleInRequest[] {
    return this.#requests.at(now);
  }

  latest(uid: string): NodeReport | undefined {
    return this.#reports.get(uid);
  }

  /** UIDs of all nodes with a report, the one heard of longest ago first. */
  uids(): readonly string[] {
    return [...this.#reports.keys()];
  }

  subscribe(listener: (report: NodeReport) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onScaleInRequest(listener: (request: ScaleInRequest) => void): () => void {
    this.#requestListeners.add(listener);
    return () => this.#requestListeners.delete(listener);
  }

  /** Calls the listener for each UID that is forgotten. */
  onForgotten(listener: (uid: string) => void): () => void {
    this.#forgetListeners.add(listener);
    return () => this.#forgetListeners.delete(listener);
  }

  /** Drops what is known of a node that is deleted. */
  forget(uid: string): void {
    this.#refusals.delete(uid);
    if (!this.#reports.delete(uid)) return;
    tellAll(this.#forgetListeners, uid);
  }

  #dropExcess(): void {
    if (this.#reports.size <= this.#mostNodes) return;
    const [silentForLongest] = this.#reports.keys();
    if (silentForLongest !== undefined) this.forget(silentForLongest);
  }
}

/** Within one boot the sequence tells; between two boots, when they were taken. */
function isNewer(report: NodeReport, known: NodeReport): boolean {
  if (report.bootId === known.bootId) return report.sequence > known.sequence;
  return report.receivedAt > known.receivedAt;
}
