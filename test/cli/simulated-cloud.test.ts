import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { breakMachine, machineTable, MachineError, userDataOf } from "../../cli/simulated-cloud.ts";
import { renderUserData } from "../../domain/launch/user-data.ts";
import { openCloudFile } from "../../local/cloud-file.ts";
import { dataDirectory } from "../../local/data-directory.ts";
import { SimulatedCloud } from "../../platforms/simulated/simulated-cloud.ts";
import { systemClock } from "../../runtime/clock.ts";
import { launchRequest } from "../support/simulated-cloud.ts";

const settings = { apiUrl: "http://127.0.0.1:5080", platform: "simulated", joinToken: "k1.a.b", properties: {} };

/** A folder of `up` with one machine, and the machine's name. */
function withMachine(): { readonly dataDir: string; readonly machine: string } {
  const dataDir = mkdtempSync(join(tmpdir(), "streamfleet-cloud-"));
  const store = openCloudFile(dataDirectory(dataDir).cloud);
  const cloud = new SimulatedCloud({ clock: systemClock(), store });
  cloud.launch(launchRequest({ userData: renderUserData(settings, "exit 1") }));
  const machine = cloud.machines()[0]?.providerId ?? "";
  cloud.close();
  store.close();
  return { dataDir, machine };
}

describe("the command for the simulated cloud", () => {
  it("shows what a machine was given, and its settings alone", () => {
    const { dataDir, machine } = withMachine();
    expect(machineTable(dataDir)).toContain(machine);
    expect(userDataOf(machine, { dataDir, env: false })).toMatch(/^#!\/bin\/sh\n[^]*\nexit 1$/);
    expect(userDataOf(machine, { dataDir, env: true }).split("\n")).toEqual([
      "STREAMFLEET_API_URL=http://127.0.0.1:5080",
      "STREAMFLEET_PLATFORM=simulated",
      "STREAMFLEET_JOIN_TOKEN=k1.a.b",
      "STREAMFLEET_PROPERTIES='{}'",
    ]);
  });

  it("says where to look for a machine, or a cloud, that is not there", () => {
    const { dataDir } = withMachine();
    const nothing = new MachineError("no machine sim-x that can be killed: see `streamfleet simulated-cloud list`");
    expect(() => breakMachine("kill", "sim-x", dataDir)).toThrow(nothing);
    expect(() => machineTable(join(dataDir, "elsewhere"))).toThrow("name the folder with --data-dir");
  });
});
