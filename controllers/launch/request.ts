/** The launch call of a committed attempt: the same attempt always gives the same call, to the letter. */
import type { LaunchAttempt, LaunchBatch } from "../../crds/launch-batch.ts";
import { toTags } from "../../domain/node/ownership.ts";
import { renderUserData } from "../../domain/launch/user-data.ts";
import type { LaunchRequest } from "../../platforms/platform.ts";
import { type NodeKey, signJoinToken } from "../../runtime/node-tokens.ts";

/** What the process adds to a launch. A call keeps what it was committed with. */
export interface LaunchSettings {
  readonly clusterId: string;
  /** Where nodes call back. */
  readonly apiUrl: string;
}

/** What `attempt` asks the cloud for. */
export function launchRequest({ metadata, spec }: LaunchBatch, attempt: LaunchAttempt, key: NodeKey): LaunchRequest {
  const { group, role, region, launch, zones } = spec;
  const { namespace, name: batch } = metadata;
  const owner = { clusterId: attempt.clusterId, namespace, group, role, batch };
  const { connectionCapacity, platform, properties = {} } = launch;
  const joinToken = signJoinToken(key, { namespace, group, batch });
  return {
    token: attempt.token,
    region,
    count: attempt.slots.length,
    image: launch.image,
    instanceType: launch.instanceType,
    ...(zones !== undefined && {
      nodesByZone: Object.fromEntries(zones.map(({ zone, nodes }) => [zone, nodes])),
    }),
    tags: toTags({ ...owner, token: attempt.token, slots: attempt.slots, connectionCapacity }, launch.metadata ?? {}),
    userData: renderUserData({ apiUrl: attempt.apiUrl, platform, joinToken, properties }, launch.userData ?? ""),
  };
}
