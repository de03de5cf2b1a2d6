/** The objects that an informer knows, by key and by index. */

/** The values under which an index finds an object. */
export type Indexers<T> = Readonly<Record<string, (object: T) => readonly string[]>>;

/** The keys of the objects that an index has under one value. Mostly it is one, and a set of one would be ten times its size. */
type Keys = string | Set<string>;

/** A map of objects with indexes that are kept as objects come and go. Objects are shared: never change them. */
export class ObjectCache<T> {
  readonly #indexers: Indexers<T>;
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, Map<string, Keys>>();

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
    const keys = this.#index(name).get(value) ?? [];
    return (typeof keys === "string" ? [keys] : [...keys]).flatMap((key) => {
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
      index.set(value, withKey(index.get(value), key));
    });
  }

  delete(key: string): void {
    const object = this.#objects.get(key);
    if (object === undefined) return;
    this.#objects.delete(key);
    this.#eachEntry(object, (index, value) => {
      const keys = index.get(value);
      if (typeof keys === "object") keys.delete(key);
      if (keys === key || (typeof keys === "object" && keys.size === 0)) index.delete(value);
    });
  }

  #index(name: string): ReadonlyMap<string, Keys> {
    const index = this.#indexes.get(name);
    if (index === undefined) throw new Error(`there is no index ${name}`);
    return index;
  }

  #eachEntry(object: T, visit: (index: Map<string, Keys>, value: string) => void): void {
    for (const [name, index] of this.#indexes) {
      for (const value of this.#indexers[name]?.(object) ?? []) visit(index, value);
    }
  }
}

function withKey(keys: Keys | undefined, key: string): Keys {
  if (keys === undefined || keys === key) return key;
  return typeof keys === "string" ? new Set([keys, key]) : keys.add(key);
}
