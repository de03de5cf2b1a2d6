/** Which launches of a group fail, in words: batches whose last attempt the cloud refused, or whose answer is missing. */
import type { LaunchBatch } from "../../crds/launch-batch.ts";
import { openSlots } from "../../domain/batch.ts";

export function failingLaunches(batches: readonly LaunchBatch[]): readonly string[] {
  return batches.filter((batch) => openSlots(batch).length > 0).flatMap((batch) => failure(batch));
}

function failure({ metadata, status }: LaunchBatch): readonly string[] {
  const last = status?.attempts?.at(-1);
  if (last?.error === undefined) return [];
  return [`${metadata.name}: attempt ${last.number} failed with ${last.error}: ${last.message ?? "no message"}`];
}
