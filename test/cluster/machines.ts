/** The machines of a simulated cloud, read from its file beside the processes that use it. */
import { openCloudFile } from "../../local/cloud-file.ts";
import type { SimulatedCloudState } from "../../platforms/simulated/store.ts";

/** Ids of the machines that nobody has told to go. */
export function liveMachines(folder: string): readonly string[] {
  return stateOf(folder).machines.flatMap(({ providerId, end }) => (end === undefined ? [providerId] : []));
}

/** Ids of all machines that were ever launched, as far back as the cloud remembers tokens. */
export function launchedMachines(folder: string): readonly string[] {
  return stateOf(folder).launches.flatMap(({ providerIds }) => providerIds);
}

function stateOf(folder: string): SimulatedCloudState {
  const file = openCloudFile(folder);
  try {
    return file.load();
  } finally {
    file.close();
  }
}
