/** Addresses of simulated machines: one ordinal gives a private and a public one, which no other ordinal gives. */

/** Ordinals run from 1 to this: 198.18.0.0/15, the range set aside for benchmarks, without its first and last address. */
export const lastOrdinal = 2 ** 17 - 2;

/** In 10.0.0.0/8. */
export function privateAddress(ordinal: number): string {
  return `10.${ordinal >> 16}.${(ordinal >> 8) & 255}.${ordinal & 255}`;
}

/** In 198.18.0.0/15. */
export function publicAddress(ordinal: number): string {
  return `198.${18 + (ordinal >> 16)}.${(ordinal >> 8) & 255}.${ordinal & 255}`;
}

/**
 * The next `count` free ordinals after `previous`, in a circle, so that an address is not given again soon.
 * Fewer when fewer are free.
 */
export function freeOrdinals(count: number, previous: number, taken: ReadonlySet<number>): readonly number[] {
  const free: number[] = [];
  for (let step = 0; step < lastOrdinal && free.length < count; step++) {
    const ordinal = ((previous + step) % lastOrdinal) + 1;
    if (!taken.has(ordinal)) free.push(ordinal);
  }
  return free;
}
