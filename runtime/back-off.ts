/** How long to wait before trying again. */

export interface BackOff {
  /** Wait after the first failure, before jitter. */
  readonly baseMs: number;
  readonly capMs: number;
}

/** 1 s, doubling up to 60 s. */
export const reconcileBackOff: BackOff = { baseMs: 1_000, capMs: 60_000 };

/** Part of a wait that chance takes away, so that those who failed together do not retry together. */
const jitter = 0.2;

/**
 * The wait (ms) after `failures` failures in a row (from 1): doubling, capped, then shortened by up to 20 %.
 * `random` gives a number in [0, 1).
 */
export function backOffMs(failures: number, random: () => number, backOff: BackOff = reconcileBackOff): number {
  const doubled = backOff.baseMs * 2 ** Math.min(Math.max(0, failures - 1), 30);
  return Math.min(doubled, backOff.capMs) * (1 - jitter * random());
}
