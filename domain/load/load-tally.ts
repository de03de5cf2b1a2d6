/** Sums over nodes that come, change and go: adding or removing one costs what one node costs. */
import { countedLoad, type LoadGauges, type PeakDemand } from "./role-load.ts";
import type { NodeLoad } from "./report.ts";
import { keysOf } from "../keys.ts";

/** Sums are whole thousandths, for those of fractions drift when what was added is taken away again. */
const thousand = 1_000;

/** A sum over the nodes that tell a figure. */
class PartialSum {
  #thousandths = 0;
  #tellers = 0;

  add(figure: number | undefined, by: 1 | -1): void {
    if (figure === undefined) return;
    this.#thousandths += by * Math.round(figure * thousand);
    this.#tellers += by;
  }

  merge(other: PartialSum): void {
    this.#thousandths += other.#thousandths;
    this.#tellers += other.#tellers;
  }

  sum(): number | undefined {
    return this.#tellers === 0 ? undefined : this.#thousandths / thousand;
  }

  mean(): number | undefined {
    return this.#tellers === 0 ? undefined : this.#thousandths / this.#tellers / thousand;
  }
}

/** The gauges of the nodes that were added and not removed. */
export class LoadTally {
  #counts = { connections: 0, publishers: 0, subscribers: 0, capacity: 0, nodes: 0, freeSlots: 0 };
  readonly #cpuPercent = new PartialSum();
  readonly #memoryPercent = new PartialSum();
  readonly #egressMbps = new PartialSum();

  add(load: NodeLoad, capacity: number): void {
    this.#count(load, capacity, 1);
  }

  /** Takes out what `add` was given: the same values, or the sums are wrong. */
  remove(load: NodeLoad, capacity: number): void {
    this.#count(load, capacity, -1);
  }

  /** Adds all that is in another tally. */
  merge(other: LoadTally): void {
    const counts = this.#counts;
    for (const name of keysOf(counts)) counts[name] += other.#counts[name];
    this.#cpuPercent.merge(other.#cpuPercent);
    this.#memoryPercent.merge(other.#memoryPercent);
    this.#egressMbps.merge(other.#egressMbps);
  }

  gauges(): LoadGauges {
    const cpuPercent = this.#cpuPercent.mean();
    const memoryPercent = this.#memoryPercent.mean();
    const egressMbps = this.#egressMbps.sum();
    return {
      ...this.#counts,
      ...(cpuPercent !== undefined && { cpuPercent }),
      ...(memoryPercent !== undefined && { memoryPercent }),
      ...(egressMbps !== undefined && { egressMbps }),
    };
  }

  /** What is asked of the nodes together. */
  demand(): PeakDemand {
    const cpuPercent = this.#cpuPercent.sum();
    const memoryPercent = this.#memoryPercent.sum();
    return {
      connections: this.#counts.connections,
      ...(cpuPercent !== undefined && { cpuPercent }),
      ...(memoryPercent !== undefined && { memoryPercent }),
    };
  }

  #count(told: NodeLoad, capacity: number, by: 1 | -1): void {
    const load = countedLoad(told, capacity);
    const counts = this.#counts;
    counts.connections += by * load.connections;
    counts.publishers += by * load.publishers;
    counts.subscribers += by * load.subscribers;
    counts.capacity += by * capacity;
    counts.nodes += by;
    counts.freeSlots += by * Math.max(0, capacity - load.connections);
    this.#cpuPercent.add(load.cpuPercent, by);
    this.#memoryPercent.add(load.memoryPercent, by);
    this.#egressMbps.add(load.egressMbps, by);
  }
}
