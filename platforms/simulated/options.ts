/** How the simulated cloud behaves: how long things take, and what exists. Durations in milliseconds. */
import type { Clock } from "../../domain/ports.ts";
import { type SimulatedCloudStore } from "./store.ts";
import { type ZonesByRegion } from "./zones.ts";

export interface SimulatedCloudOptions {
  readonly clock: Clock;
  /** Where machines live; in memory unless given. */
  readonly store?: SimulatedCloudStore;
  /** From launch to `Running`, at least; 2000 unless given. */
  readonly bootMs?: number;
  /** Added to `bootMs`: up to this, drawn for each machine from `seed`; 0 unless given. */
  readonly bootJitterMs?: number;
  /** From `Stopping` to `Stopped` or `Terminated`; 1000 unless given. */
  readonly stopMs?: number;
  /** Regions that exist; unless given any name of `[a-z0-9-]` is one, with zones a, b and c of ample capacity. */
  readonly zones?: ZonesByRegion;
  /** Longest time for which the API does not know a machine that was launched; 0 unless given. */
  readonly visibilityLagMs?: number;
  /** Shortest such time: each machine's is drawn from `seed` between the two; 0 unless given. */
  readonly shortestVisibilityLagMs?: number;
  /** For how long a terminated machine stays listed; 60 s unless given. */
  readonly terminatedRetentionMs?: number;
  /** For how long at least a token is remembered; 24 h unless given. It also outlives the token's machines. */
  readonly tokenRetentionMs?: number;
  readonly seed?: string;
}

/** Without where it lives and what exists. */
export type CloudBehavior = Required<Omit<SimulatedCloudOptions, "zones" | "clock" | "store">>;

export const usualOptions: CloudBehavior = {
  bootMs: 2_000,
  bootJitterMs: 0,
  stopMs: 1_000,
  visibilityLagMs: 0,
  shortestVisibilityLagMs: 0,
  terminatedRetentionMs: 60_000,
  tokenRetentionMs: 24 * 3_600_000,
  seed: "",
};
