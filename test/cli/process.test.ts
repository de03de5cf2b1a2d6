import { jest } from "@jest/globals";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { PortInUseError } from "../../api/listener.ts";
import { CommandError } from "../../cli/operator-access.ts";
import { fail } from "../../cli/process.ts";
import { MachineError } from "../../cli/simulated-cloud.ts";
import { CrdError } from "../../local/kube/kinds.ts";
import { TraceError } from "../../local/simulation/trace.ts";
import { DirectoryLockedError, DirectoryUnusableError } from "../../prisma/directory-lock.ts";
import { DatabaseOpenError } from "../../prisma/history-database.ts";
import { MigrationError } from "../../prisma/migration-runner.ts";
import { ConfigError } from "../../runtime/config.ts";
import { StartError } from "../../runtime/manager.ts";

let lines: string[];

beforeEach(() => {
  lines = [];
  jest.spyOn(console, "error").mockImplementation((line: string) => void lines.push(line));
});
afterEach(() => {
  jest.restoreAllMocks();
});

describe("an error at the end of a command", () => {
  it.each([
    new CommandError("say which"),
    new CrdError("say which"),
    new DatabaseOpenError("say which"),
    new DirectoryLockedError("say which"),
    new DirectoryUnusableError("say which"),
    new MachineError("say which"),
    new MigrationError("say which"),
    new StartError("say which"),
    new TraceError("say which"),
  ])("is one line where it was written for people: %s", (error) => {
    expect(fail(error)).toBe(1);
    expect(lines).toEqual(["streamfleet: say which"]);
  });

  it("is as many lines as it names variables, and ends with 2", () => {
    expect(fail(new ConfigError(["A is wrong", "B is wrong"]))).toBe(2);
    expect(lines).toEqual(["streamfleet: A is wrong", "streamfleet: B is wrong"]);
  });

  it("names the port that is in use", () => {
    expect(fail(new PortInUseError(8080, { chosenBy: "--api-port" }))).toBe(1);
    expect(lines).toEqual([
      "streamfleet: port 8080 is in use: stop the process that listens there, or choose another with --api-port",
    ]);
  });

  it("has its stack where it is a defect", () => {
    expect(fail(new TypeError("undefined is not a function"))).toBe(1);
    expect(lines[0]).toBe("streamfleet: TypeError: undefined is not a function");
    expect(lines.length).toBeGreaterThan(1);
  });
});
