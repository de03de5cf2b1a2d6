/** Names that follow from what they name, so that the same decision taken twice asks for the same object. */
import type { Role } from "../crds/names.ts";

/** Name of the StreamNode in a slot: `live-edge-3`. */
export function slotName(group: string, role: Role, slot: number): string {
  return `${group}-${role}-${slot}`;
}

/** Name of a numbered LaunchBatch: `live-edge-b7`. Creating it is a compare-and-swap. */
export function batchName(group: string, role: Role, number: number): string {
  return `${group}-${role}-b${number}`;
}

/** The number in a batch's name, or undefined when it is no name of a batch. */
export function batchNumber(name: string): number | undefined {
  const digits = /-b(\d{1,15})$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** The lowest slots that are not in use, in rising order. */
export function freeSlots(used: ReadonlySet<number>, count: number): readonly number[] {
  const free: number[] = [];
  for (let slot = 0; free.length < count; slot += 1) if (!used.has(slot)) free.push(slot);
  return free;
}

/** Slots as ranges, in the order given: `0-4,7,9-10`. */
export function formatSlots(slots: readonly number[]): string {
  const ranges: { first: number; last: number }[] = [];
  for (const slot of slots) {
    const range = ranges.at(-1);
    if (range !== undefined && range.last + 1 === slot) range.last = slot;
    else ranges.push({ first: slot, last: slot });
  }
  return ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(",");
}

/** The slots that a text of ranges lists, or undefined when it is no such text. */
export function parseSlots(text: string): readonly number[] | undefined {
  const ranges = text.split(",").map(parseRange);
  return ranges.some((range) => range === undefined) ? undefined : ranges.flatMap((range) => range ?? []);
}

function parseRange(text: string): readonly number[] | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return first > last ? undefined : Array.from({ length: last - first + 1 }, (_, offset) => first + offset);
}
