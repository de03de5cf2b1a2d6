/** Which launches of a group fail, in words: batches whose last attempt the cloud refused, or whose answer is missing. */
import type { LaunchBatch } from "../../crds/launch-batch.ts";
import { openSlots } from "./batch.ts";

export function failingLaunches(batches: readonly LaunchBatch[]): readonly string[] {
  return batches.flatMap((batch) => failure(batch));
}

function failure(batch: LaunchBatch): readonly string[] {
  const { metadata, status } = batch;
  const last = status?.attempts?.at(-1);
  if (last?.error === undefined || openSlots(batch).length === 0) return [];
  return [`${metadata.name}: attempt ${last.number} failed with ${last.error}: ${last.message ?? "no message"}`];
}
