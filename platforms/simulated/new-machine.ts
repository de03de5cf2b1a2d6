/** What a launch makes. */
import { addMs } from "../../domain/time.ts";
import type { LaunchRequest } from "../platform.ts";
import { type MachineRecord } from "./machine-record.ts";
import { chance, providerIdOf } from "./request-check.ts";
import { type CloudBehavior } from "./options.ts";

/** A machine of a launch; its times are drawn from the seed. */
export function newMachine(
  request: LaunchRequest,
  { bootMs, bootJitterMs, shortestVisibilityLagMs, visibilityLagMs, seed }: CloudBehavior,
  place: Pick<MachineRecord, "launchIndex" | "ordinal" | "zone" | "launchedAt">,
): MachineRecord {
  const { token, region, instanceType, image, tags, userData } = request;
  const providerId = providerIdOf(token, place.launchIndex);
  const bootJitter = bootJitterMs * chance(seed, providerId, "boot");
  const lagRange = Math.max(0, visibilityLagMs - shortestVisibilityLagMs);
  const lag = Math.min(shortestVisibilityLagMs, visibilityLagMs) + lagRange * chance(seed, providerId, "lag");
  return {
    ...{ providerId, region, instanceType, image, token, tags: { ...tags }, userData, ...place },
    runningAt: addMs(place.launchedAt, Math.round(bootMs + bootJitter)),
    visibleAt: addMs(place.launchedAt, Math.round(lag)),
  };
}
