/** What the simulated cloud refuses, in the words of the port. */
import type { PlatformError } from "../../domain/launch/platform-error.ts";
import { failed, type Result } from "../../domain/result.ts";
import { type Zone } from "./zones.ts";

export function invalid(message: string): Result<never, PlatformError> {
  return failed({ kind: "InvalidRequest", message });
}

export function noSuchRegion(region: string): Result<never, PlatformError> {
  return invalid(`the simulated cloud has no region ${JSON.stringify(region)}`);
}

export function notFound(region: string, providerId: string): Result<never, PlatformError> {
  return failed({ kind: "NotFound", message: `no machine ${providerId} in ${region}` });
}

export function noCapacity(region: string, zones: readonly Zone[]): Result<never, PlatformError> {
  const message = `no capacity left in ${zones.map(({ name }) => name).join(", ") || region}`;
  const [first, ...others] = zones;
  const zone = others.length === 0 ? first?.name : undefined;
  return failed({ kind: "InsufficientCapacity", message, ...(zone === undefined ? {} : { zone }) });
}
