/** Nodes that report in real time, spread evenly over the interval, and some of them more than they can bear. */
import type { NodeReport } from "../domain/load/report.ts";
import { type NodePlace, reportOf, type RestingFleet, type Told } from "./resting-fleet.ts";

/** Each node reports this often (ms). */
export const intervalMs = 5_000;
/** How often (ms) those whose turn has come are let in: no report comes later than this. */
const tickMs = 5;

export interface ReportStreamOptions {
  readonly fleet: Pick<RestingFleet, "clock" | "places">;
  /** UID of the place's StreamNode; undefined while it has none: then it does not report. */
  readonly uidOf: (place: NodePlace) => string | undefined;
  /** Takes a report in. */
  readonly record: (report: NodeReport) => void;
  /** Connections of a node that nothing has happened to. */
  readonly connectionsAt: (place: NodePlace) => number;
}

export class ReportStream {
  readonly #options: ReportStreamOptions;
  readonly #startMs: number;
  /** What places said out of turn, and go on to say. */
  readonly #loads = new Map<NodePlace, number>();
  #sent = 0;
  #cancel: () => void = () => undefined;

  constructor(options: ReportStreamOptions) {
    this.#options = options;
    this.#startMs = options.fleet.clock.monotonicMs();
  }

  /** Reports since the start. */
  get sent(): number {
    return this.#sent;
  }

  start(): void {
    const { clock } = this.#options.fleet;
    this.#cancel = clock.after(tickMs, () => {
      this.#sendDue();
      this.start();
    });
  }

  stop(): void {
    this.#cancel();
  }

  /** A report out of turn, newer than all before it; those that follow say the same. */
  tell(place: NodePlace, connections: number): void {
    this.#loads.set(place, connections);
    const { fleet } = this.#options;
    // Higher than any that its turns give: one every so often is no more than one out of turn.
    const sequence = 2 * (1 + this.#sent) + 1;
    this.#send(place, { sequence, at: fleet.clock.now(), connections });
  }

  #sendDue(): void {
    const { fleet, connectionsAt } = this.#options;
    const { clock, places } = fleet;
    const due = Math.floor(((clock.monotonicMs() - this.#startMs) / intervalMs) * places.length);
    for (; this.#sent < due; this.#sent += 1) {
      const place = places[this.#sent % places.length];
      if (place === undefined) continue;
      this.#send(place, {
        sequence: 2 * (1 + this.#sent),
        at: clock.now(),
        connections: this.#loads.get(place) ?? connectionsAt(place),
      });
    }
  }

  #send(place: NodePlace, told: Told): void {
    const uid = this.#options.uidOf(place);
    if (uid !== undefined) this.#options.record(reportOf(uid, place, told));
  }
}
