/** The objects that an informer knows, by key and by index. */

/** The values under which an index finds an object. */
export type Indexers<T> = Readonly<Record<string, (object: T) => readonly string[]>>;

/** A map of objects with indexes that are kept as objects come and go. Objects are shared: never change them. */
export class ObjectCache<T> {
  readonly #indexers: Indexers<T>;
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, Map<string, Set<string>>>();

  constructor(indexers: Indexers<T> = {}) {
    this.#indexers = indexers;
    for (const name of Object.keys(indexers)) this.#indexes.set(name, new Map());
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  keys(): readonly string[] {
    return [...this.#objects.keys()];
  }

  list(): readonly T[] {
    return [...this.#objects.values()];
  }

  /** The objects that the index finds under the value. An index that was not declared throws. */
  byIndex(name: string, value: string): readonly T[] {
    return [...(this.#index(name).get(value) ?? [])].flatMap((key) => {
      const object = this.#objects.get(key);
      return object === undefined ? [] : [object];
    });
  }

  /** Whether the index finds any object under the value; costs the same however many there are. */
  indexHas(name: string, value: string): boolean {
    return this.#index(name).has(value);
  }

  set(key: string, object: T): void {
    this.delete(key);
    this.#objects.set(key, object);
    this.#eachEntry(object, (index, value) => {
      const keys = index.get(value) ?? new Set();
      index.set(value, keys.add(key));
    });
  }

  delete(key: string): void {
    const object = this.#objects.get(key);
    if (object === undefined) return;
    this.#objects.delete(key);
    this.#eachEntry(object, (index, value) => {
      const keys = index.get(value);
      keys?.delete(key);
      if (keys?.size === 0) index.delete(value);
    });
  }

  #index(name: string): ReadonlyMap<string, ReadonlySet<string>> {
    const index = this.#indexes.get(name);
    if (index === undefined) throw new Error(`there is no index ${name}`);
    return index;
  }

  #eachEntry(object: T, visit: (index: Map<string, Set<string>>, value: string) => void): void {
    for (const [name, index] of this.#indexes) {
      for (const value of this.#indexers[name]?.(object) ?? []) visit(index, value);
    }
  }
}
