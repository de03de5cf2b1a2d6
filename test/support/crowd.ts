/** The crowd of a simulation on a fleet in this process: look-ups through its node API, sessions straight on its nodes. */
import { MediaClients } from "../../local/media/clients.ts";
import { Crowd } from "../../local/simulation/crowd.ts";
import { fleetView } from "../../local/simulation/fleet-view.ts";
import { lookUpClient } from "../../local/simulation/http-ports.ts";
import { type Fleet, namespace } from "./fleet.ts";
import { apiUrl } from "./operator-process.ts";

const client = "crowd";

/**
 * Clients for the group `live`. Let it `see` the nodes at each step, else it cannot tell who was cut. `onPlaced` hears of
 * each node that a look-up names.
 */
export function crowdAt(fleet: Fleet, onPlaced: (node: string) => void = () => undefined): Crowd {
  const { clock, random, logger, fetch } = fleet;
  const clients = new MediaClients({ fleet: fleet.mediaFleet, clock, logger });
  const lookUp = lookUpClient({ apiUrl, namespace, group: "live", clock, fetch });
  return new Crowd({
    clock,
    random,
    lookUp: async (kind, stream, number) => {
      const answer = await lookUp(kind, stream, number);
      if (answer.kind === "Placed") onPlaced(answer.node);
      return answer;
    },
    media: (changes) => Promise.resolve({ kind: "Answered", ...clients.change({ client, ...changes }) }),
    client,
  });
}

/** Lets the crowd look at the fleet, and then come and go. */
export async function stepCrowd(crowd: Crowd, fleet: Fleet): Promise<void> {
  crowd.see(fleetView(undefined, fleet.nodes()).nodes);
  await crowd.step();
}
