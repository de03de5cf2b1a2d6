/** Work on many items, a few at the same time. */

/**
 * The answers, in the order of the items; at most `most` are worked on at once. After a failure no other item is begun; it is
 * thrown once those under way have ended.
 */
export async function sideBySide<T, R>(
  items: readonly T[],
  most: number,
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const answers: R[] = [];
  const rest = items.entries();
  let failed = false;
  const takeItems = async (): Promise<void> => {
    for (const [place, item] of rest) {
      if (failed) return;
      answers[place] = await work(item).catch((error: unknown) => {
        failed = true;
        throw error;
      });
    }
  };
  const workers = Array.from({ length: Math.min(most, items.length) }, takeItems);
  await Promise.allSettled(workers);
  await Promise.all(workers);
  return answers;
}
