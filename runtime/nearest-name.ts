/** What somebody probably meant who wrote a name that is none. */

/** The setting that was probably meant: one of few other letters, or one that has no prefix. Undefined: none is near. */
export function nearestName(name: string, known: readonly string[], prefix: string): string | undefined {
  const bare = name.slice(prefix.length);
  if (known.includes(bare)) return bare;
  const ranked = known
    .filter((other) => other.startsWith(prefix))
    .map((other) => ({ other, letters: distance(name, other) }))
    .sort((a, b) => a.letters - b.letters);
  const most = Math.max(2, Math.floor(bare.length / 4));
  return ranked.find(({ letters }) => letters <= most)?.other;
}

/** Levenshtein's distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of Array.from(a).entries()) {
    const next = [i + 1];
    for (const [j, other] of Array.from(b).entries()) {
      const replaced = (row[j] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
