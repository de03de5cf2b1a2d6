/** One subscriber of the load feed: a snapshot, its end, then changes, as fast as the subscriber reads. */
import type { ReportRefusal, ScaleInRequest } from "../../domain/load/report.ts";
import type { Clock } from "../../domain/ports.ts";
import { type FeedLine, heartbeatMs, refusedLine, reportLine, scaleInLine } from "./feed-lines.ts";
import type { LatestReports } from "../latest-reports.ts";
import { isRemembered, requestKey } from "../recent-requests.ts";

/** The part of a writable stream that a feed uses. */
export interface FeedSink {
  write(text: string): boolean;
  once(event: "drain", listener: () => void): unknown;
}

/**
 * What is still to be told is kept as UIDs: to a slow reader many reports of one node become one, the newest, and memory
 * stays bounded by the number of nodes. Scale-in requests are few and go first.
 */
export class FeedStream {
  readonly #sink: FeedSink;
  readonly #reports: LatestReports;
  readonly #clock: Clock;
  readonly #untold: Set<string>;
  readonly #untoldRequests: Map<string, ScaleInRequest>;
  /** By UID. */
  readonly #untoldRefusals: Map<string, ReportRefusal>;
  readonly #endings: (() => void)[];
  #snapshotTold = false;
  #blocked = false;
  #stopped = false;
  #cancelHeartbeat: () => void = () => undefined;

  /** Begins at once, and goes on until `stop`. */
  constructor(sink: FeedSink, reports: LatestReports, clock: Clock) {
    this.#sink = sink;
    this.#reports = reports;
    this.#clock = clock;
    this.#untold = new Set(reports.uids());
    this.#untoldRequests = new Map(
      reports.scaleInRequests(clock.now()).map((request) => [requestKey(request), request]),
    );
    this.#untoldRefusals = new Map(reports.refusals().map((refusal) => [refusal.uid, refusal]));
    this.#endings = [
      reports.subscribe(({ uid }) => this.#tell(uid)),
      reports.onForgotten((uid) => this.#tell(uid)),
      reports.onScaleInRequest((request) => this.#tellRequest(request)),
      reports.onRefused((refusal) => {
        this.#untoldRefusals.set(refusal.uid, refusal);
        this.#pump();
      }),
    ];
    this.#pump();
    this.#scheduleHeartbeat();
  }

  stop(): void {
    this.#cancelHeartbeat();
    for (const end of this.#endings) end();
    this.#untold.clear();
    this.#untoldRequests.clear();
    this.#untoldRefusals.clear();
    this.#stopped = true;
  }

  #tell(uid: string): void {
    this.#untold.add(uid);
    this.#pump();
  }

  #tellRequest(request: ScaleInRequest): void {
    this.#untoldRequests.set(requestKey(request), request);
    this.#pump();
  }

  #pump(): void {
    this.#pumpRequests();
    for (const uid of this.#untold) {
      if (this.#blocked || this.#stopped) return;
      this.#untold.delete(uid);
      this.#write(this.#lineOf(uid));
    }
    for (const [uid, refusal] of this.#untoldRefusals) {
      if (this.#blocked || this.#stopped) return;
      this.#untoldRefusals.delete(uid);
      this.#write(refusedLine(refusal, this.#clock.now()));
    }
    if (this.#blocked || this.#stopped || this.#snapshotTold) return;
    this.#snapshotTold = true;
    this.#write({ kind: "SnapshotEnd" });
  }

  /** To a reader that was slow for long, what is forgotten meanwhile is not told. */
  #pumpRequests(): void {
    const now = this.#clock.now();
    for (const [key, request] of this.#untoldRequests) {
      if (this.#blocked || this.#stopped) return;
      this.#untoldRequests.delete(key);
      if (isRemembered(request, now)) this.#write(scaleInLine(request, now));
    }
  }

  #lineOf(uid: string): FeedLine {
    const report = this.#reports.latest(uid);
    return report === undefined ? { kind: "Gone", uid } : reportLine(report, this.#clock.now());
  }

  #write(line: FeedLine): void {
    if (this.#sink.write(`${JSON.stringify(line)}\n`)) return;
    this.#blocked = true;
    this.#sink.once("drain", () => {
      this.#blocked = false;
      this.#pump();
    });
  }

  #scheduleHeartbeat(): void {
    this.#cancelHeartbeat = this.#clock.after(heartbeatMs, () => {
      if (!this.#blocked) this.#write({ kind: "Heartbeat" });
      this.#scheduleHeartbeat();
    });
  }
}
