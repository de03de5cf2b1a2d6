/** What a LaunchBatch's status says of its slots. */
import type { LaunchBatch } from "../crds/launch-batch.ts";
import { isTrue } from "./conditions.ts";

/** Slots that neither have their machine nor are given up. */
export function openSlots({ spec, status }: Pick<LaunchBatch, "spec" | "status">): readonly number[] {
  const settled = new Set(status?.members?.map(({ slot }) => slot));
  return spec.slots.filter((slot) => !settled.has(slot));
}

/** Every slot has its machine, or never will. */
export function isSettled({ status }: Pick<LaunchBatch, "status">): boolean {
  return isTrue(status?.conditions, "Complete");
}
