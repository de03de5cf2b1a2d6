/** JSON values as the embedded API handles them: immutable trees that are copied where they change. */

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

/** The value as it would arrive over the wire: members that are undefined are gone, nothing is shared. */
export function jsonCopy(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

/** Freezes a whole tree, so that what is stored can be handed out without copies. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const member of Object.values(value)) deepFreeze(member);
  return value;
}

/** Equality of JSON values; the order of members does not matter. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (isList(a)) return isList(b) && a.length === b.length && a.every((item, index) => sameJson(item, b[index]));
  if (!isObject(a) || !isObject(b)) return false;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && sameJson(a[name], b[name]))
  );
}

/** The object without some of its members. */
export function without<T extends object, K extends string>(object: T, ...names: readonly K[]): Omit<T, K> {
  const kept = Object.entries(object).filter(([name]) => !names.some((one) => one === name));
  return Object.fromEntries(kept) as Omit<T, K>;
}

/** The member of a path such as `["metadata", "name"]`, or undefined. */
export function member(value: unknown, path: readonly string[]): unknown {
  let current = value;
  for (const name of path) {
    if (!isObject(current) || !Object.hasOwn(current, name)) return undefined;
    current = current[name];
  }
  return current;
}

const goEscapes: Readonly<Record<number, string>> = { 7: "\\a", 11: "\\v" };

/** Text in quotes as the real server writes it into its messages (Go's `%q`): what cannot be seen is written as a number. */
export function quoted(text: string): string {
  const notPrinted = /\\(?:u([0-9a-f]{4})|.)|[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;
  return JSON.stringify(text).replaceAll(notPrinted, (found: string, escaped: string | undefined) => {
    if (found.startsWith("\\") && escaped === undefined) return found;
    const code = escaped === undefined ? (found.codePointAt(0) ?? 0) : Number.parseInt(escaped, 16);
    return goEscapes[code] ?? goEscape(code);
  });
}

function goEscape(code: number): string {
  const hex = code.toString(16);
  if (code < 0x80) return `\\x${hex.padStart(2, "0")}`;
  return code > 0xffff ? `\\U${hex.padStart(8, "0")}` : `\\u${hex.padStart(4, "0")}`;
}
