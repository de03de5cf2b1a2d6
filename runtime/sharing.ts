/** Values that are read again and again and mostly say what was known already: what is equal is kept once. */

/**
 * The value, with every part that equals the same part of `like` taken from there, and `like` itself where all of it does.
 * Neither is changed. For plain data as JSON has it; it must not be changed later either, for others may have part in it.
 */
export function shared<T>(value: T, like: unknown): T {
  if (value === like) return like as T;
  if (!isComposite(value) || !isComposite(like) || Array.isArray(value) !== Array.isArray(like)) return value;
  return sharedParts(value, like) as T;
}

type Composite = Readonly<Record<string, unknown>>;

function isComposite(value: unknown): value is Composite {
  return typeof value === "object" && value !== null;
}

/** Indexes of lists are keys like others. */
function sharedParts(value: Composite, like: Composite): Composite {
  const keys = Object.keys(value);
  let isSame = keys.length === Object.keys(like).length;
  let copy: Record<string, unknown> | undefined;
  for (const key of keys) {
    const known = Object.hasOwn(like, key);
    const part = known ? shared(value[key], like[key]) : value[key];
    if (!known || part !== like[key]) isSame = false;
    if (isShareable(part) && known) (copy ??= copyOf(value))[key] = part;
  }
  return isSame ? like : (copy ?? value);
}

/** Numbers and such take no room of their own. */
function isShareable(part: unknown): boolean {
  return typeof part === "string" || isComposite(part);
}

function copyOf(value: Composite): Record<string, unknown> {
  return (Array.isArray(value) ? [...(value as readonly unknown[])] : { ...value }) as Record<string, unknown>;
}
