/** The simulated cloud and the media servers on its machines: loaded where there is one. */
import { operatorHeader } from "../api/client-address.ts";
import type { Cloud } from "../fleet/clouds.ts";
import type { PlatformName } from "../crds/names.ts";
import { openCloudFile } from "../local/cloud-file.ts";
import { MediaFleet } from "../local/media/fleet.ts";
import { instrumented } from "../platforms/instrumented.ts";
import { MachineInventory } from "../platforms/inventory.ts";
import { SimulatedCloud } from "../platforms/simulated/simulated-cloud.ts";
import { SimulatedPlatform } from "../platforms/simulated/simulated-platform.ts";
import type { KeyRing } from "../runtime/key-ring.ts";
import type { LeaderTask } from "../runtime/manager.ts";
import { signOperatorToken } from "../runtime/node-tokens.ts";
import type { Process } from "./context.ts";
import type { Stops } from "./process.ts";

export interface SimulatedParts {
  readonly name: PlatformName;
  readonly cloud: Cloud;
  readonly fleet: MediaFleet;
  /** The media nodes on its machines; they run where the reconcilers run. */
  readonly mediaNodes: LeaderTask;
  /** From then on an API on this machine believes that each node calls from its own machine's address. */
  readonly know: (keys: KeyRing) => void;
}

export function simulatedCloud(own: Process, directory: string, stops: Stops): SimulatedParts {
  const { clock, logger, random, config, metrics } = own;
  const store = openCloudFile(directory);
  const cloud = new SimulatedCloud({ clock, store });
  const platform = instrumented(new SimulatedPlatform({ cloud, clock }), metrics.platformCalls, () =>
    clock.monotonicMs(),
  );
  const inventory = new MachineInventory({
    platform,
    clock,
    random,
    clusterId: config.clusterId,
    onFailure: (region, error) =>
      logger.error("could not list machines", { region, kind: error.kind, reply: error.message }),
  });
  let keys: KeyRing | undefined;
  const callsFrom = (address: string): Readonly<Record<string, string>> =>
    keys === undefined ? {} : { "X-Forwarded-For": address, [operatorHeader]: signOperatorToken(keys.current) };
  const fleet = new MediaFleet({
    callsFrom,
    cloud,
    clock,
    random,
    fetch: globalThis.fetch,
    logger: logger.child({ part: "media-nodes" }),
  });
  stops.add(() => {
    inventory.stop();
    cloud.close();
    store.close();
  });
  const mediaNodes = { name: "media-nodes", start: () => fleet.start(), stop: () => fleet.stop() };
  const know = (ring: KeyRing): void => void (keys = ring);
  return { name: "simulated", cloud: { platform, inventory }, fleet, mediaNodes, know };
}
