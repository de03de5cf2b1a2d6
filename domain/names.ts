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
export function freeSlots(isUsed: (slot: number) => boolean, count: number): readonly number[] {
  const free: number[] = [];
  for (let slot = 0; free.length < count; slot += 1) if (!isUsed(slot)) free.push(slot);
  return free;
}

/** How slots are written: in decimal for people, in base 36 where room is short. */
export type SlotRadix = 10 | 36;

const slotTexts: Readonly<Record<SlotRadix, RegExp>> = {
  10: /^(\d{1,5})(?:-(\d{1,5}))?$/,
  36: /^([\da-z]{1,4})(?:-([\da-z]{1,4}))?$/,
};
const largestSlot = 99_999;

/** Slots as ranges, in the order given: `0-4,7,9-10`. */
export function formatSlots(slots: readonly number[], radix: SlotRadix = 10): string {
  const ranges: { first: number; last: number }[] = [];
  for (const slot of slots) {
    const range = ranges.at(-1);
    if (range !== undefined && range.last + 1 === slot) range.last = slot;
    else ranges.push({ first: slot, last: slot });
  }
  const text = (slot: number) => slot.toString(radix);
  return ranges.map(({ first, last }) => (first === last ? text(first) : `${text(first)}-${text(last)}`)).join(",");
}

/** The slots that a text of ranges lists, or undefined when it is no such text. */
export function parseSlots(text: string, radix: SlotRadix = 10): readonly number[] | undefined {
  const ranges = text.split(",").map((range) => parseRange(range, radix));
  return ranges.some((range) => range === undefined) ? undefined : ranges.flatMap((range) => range ?? []);
}

function parseRange(text: string, radix: SlotRadix): readonly number[] | undefined {
  const match = slotTexts[radix].exec(text);
  if (match?.[1] === undefined) return undefined;
  const first = Number.parseInt(match[1], radix);
  const last = Number.parseInt(match[2] ?? match[1], radix);
  if (first > last || last > largestSlot) return undefined;
  return Array.from({ length: last - first + 1 }, (_, offset) => first + offset);
}
