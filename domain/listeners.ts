/** Telling several who listen: one that throws takes the news from no other. */

/** Calls each with the same arguments, in order. Throws once all were told: what the only one threw, or all in an AggregateError. */
export function tellAll<A extends readonly unknown[]>(listeners: Iterable<(...news: A) => void>, ...news: A): void {
  const errors: unknown[] = [];
  // A copy: who listens may leave, or bring others, while it is told.
  for (const listener of [...listeners]) {
    try {
      listener(...news);
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors, `${errors.length} listeners failed`);
}
