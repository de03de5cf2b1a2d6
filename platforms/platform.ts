/** The port to a cloud: what every driver can do, and what its answers mean. */
import type { PlatformName } from "../crds/names.ts";
import type { Machine } from "../domain/node/machine.ts";
import type { PlatformError } from "../domain/launch/platform-error.ts";
import type { Result } from "../domain/result.ts";

export type PlatformResult<T> = Promise<Result<T, PlatformError>>;

/** One launch call. It is a pure function of a committed attempt: sent twice, it is the same to the letter. */
export interface LaunchRequest {
  /** Idempotency token: a repeat with the same token and parameters answers the same machines. */
  readonly token: string;
  readonly region: string;
  /** Machines wanted, 1 to 50; the cloud may start fewer. */
  readonly count: number;
  readonly image: string;
  readonly instanceType: string;
  /**
   * Nodes of the same kind that the region's zones have already. New machines go, one after the other, to the zone with the
   * fewest of those that have room; a zone that is not named has none. Absent: as the cloud sees fit.
   */
  readonly nodesByZone?: Readonly<Record<string, number>>;
  readonly tags: Readonly<Record<string, string>>;
  /** What the machine finds at boot, as plain text. Holds the join token: never logged. */
  readonly userData: string;
}

/** Most machines of one `readMany`: what the strictest of the clouds takes in one call. */
export const mostReadAtOnce = 100;

export interface MachineQuery {
  readonly region: string;
  /** Only machines that carry all of these. */
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * A cloud. Expected refusals are values (`PlatformError`); anything thrown is a defect of the driver.
 *
 * - `launch` answers the machines it started, ordered by launch index: all, or fewer than asked (at least one, else it is
 *   `InsufficientCapacity` or `QuotaExceeded`). The same token again answers the same machines, whatever became of them;
 *   the same token with other parameters is `InvalidRequest`.
 * - `list` answers every machine that fits, paged to its end, or an error: never a part. Machines may be missing from
 *   `list`, and `NotFound` to `read`, for up to `visibilityLagMs` after their launch. Terminated machines may stay listed.
 * - `readMany` answers, by id, those of at most `mostReadAtOnce` machines that the cloud knows; an id that is left out is one for which
 *   `read` would answer `NotFound`. It is all of them or an error: never a part.
 * - `terminate` may be repeated; an id that the cloud does not know is passed over, so success is no proof of existence.
 *   A machine within its visibility lag may be such an id: only its state proves that it was terminated.
 * - A call whose signal has aborted does nothing; one whose signal aborts meanwhile answers `Unavailable` soon, and may
 *   have been carried out.
 */
export interface CloudPlatform {
  readonly name: PlatformName;
  /** Longest time (ms) for which a machine just launched may be missing from answers. */
  readonly visibilityLagMs: number;
  /** How often (ms) the machines of a region should be listed. */
  readonly listIntervalMs: number;
  launch(request: LaunchRequest, signal: AbortSignal): PlatformResult<readonly Machine[]>;
  terminate(region: string, providerIds: readonly string[], signal: AbortSignal): PlatformResult<void>;
  read(region: string, providerId: string, signal: AbortSignal): PlatformResult<Machine>;
  readMany(
    region: string,
    providerIds: readonly string[],
    signal: AbortSignal,
  ): PlatformResult<ReadonlyMap<string, Machine>>;
  list(query: MachineQuery, signal: AbortSignal): PlatformResult<readonly Machine[]>;
  /** Adds or replaces tags of one machine; tags that are not named stay. */
  updateTags(
    region: string,
    providerId: string,
    tags: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): PlatformResult<void>;
}
