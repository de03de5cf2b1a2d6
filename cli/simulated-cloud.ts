/** `streamfleet simulated-cloud`: for people and tests, what only the cloud itself can tell or do. */
import { existsSync } from "node:fs";
import { fromTags } from "../domain/node/ownership.ts";
import { settingsLines } from "../domain/launch/user-data.ts";
import { SimulatedCloud } from "../platforms/simulated/simulated-cloud.ts";
import { systemClock } from "../runtime/clock.ts";
import { openCloudFile } from "../local/cloud-file.ts";
import { columns } from "./columns.ts";
import { dataDirectory } from "../local/data-directory.ts";

/** There is no such machine, or no such cloud: one line. */
export class MachineError extends Error {
  override readonly name = "MachineError";
  readonly isForPeople = true;
}

export interface UserDataOptions {
  readonly dataDir: string;
  readonly env: boolean;
}

/** Every machine under a head, in columns. Throws `MachineError`. */
export function machineTable(dataDir: string): string {
  return withCloud(dataDir, (cloud) => {
    const rows = cloud
      .machines()
      .map(({ providerId, state, zone, publicAddress = "-", tags }) => [
        ...[providerId, state, zone, publicAddress, fromTags(tags)?.batch ?? "-"],
      ]);
    return columns([["MACHINE", "STATE", "ZONE", "ADDRESS", "BATCH"], ...rows]);
  });
}

/**
 * What the machine was given at its boot, its join token among it; of `env` only the settings, as a shell may source them.
 * Throws `MachineError`.
 */
export function userDataOf(machine: string, { dataDir, env }: UserDataOptions): string {
  return withCloud(dataDir, (cloud) => {
    const text = cloud.userDataOf(machine);
    if (text === undefined) throw noMachine(machine, "");
    return env ? settingsLines(text).join("\n") : text;
  });
}

/** Kills or stops a machine, and says so. Throws `MachineError`. */
export function breakMachine(verb: "kill" | "stop", machine: string, dataDir: string): string {
  return withCloud(dataDir, (cloud) => {
    const done = verb === "kill" ? cloud.kill(machine) : cloud.stop(machine);
    if (!done) throw noMachine(machine, ` that can be ${verb === "kill" ? "killed" : "stopped"}`);
    return `${machine}: ${verb === "kill" ? "killed" : "stopping"}`;
  });
}

function noMachine(machine: string, which: string): MachineError {
  return new MachineError(`no machine ${machine}${which}: see \`streamfleet simulated-cloud list\``);
}

/** Opens the cloud beside an `up` that may be running: both see each other's work. */
function withCloud<T>(dataDir: string, act: (cloud: SimulatedCloud) => T): T {
  const { cloud: directory } = dataDirectory(dataDir);
  if (!existsSync(directory))
    throw new MachineError(`there is no simulated cloud in ${directory}: name the folder with --data-dir`);
  const store = openCloudFile(directory);
  const cloud = new SimulatedCloud({ clock: systemClock(), store });
  try {
    return act(cloud);
  } finally {
    cloud.close();
    store.close();
  }
}
