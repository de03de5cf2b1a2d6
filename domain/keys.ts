/** The names of the fields of an object that was made here, and so has no others than its type says. */
export function keysOf<K extends string>(object: Readonly<Record<K, unknown>>): readonly K[] {
  return Object.keys(object) as K[];
}
