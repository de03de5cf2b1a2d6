/** What a Logger promises: one suite for the one that writes JSON lines and for the one that a test reads. */
import { beforeEach, describe, expect, it } from "@jest/globals";
import type { LogFields, Logger } from "../../runtime/logger.ts";

export interface LoggerUnderTest {
  /** Writes every level. */
  readonly logger: Logger;
  /** Each line so far: its level, message and fields, and whatever else it may carry. */
  lines(): readonly LogFields[];
}

/** The suite. `open` is called for each test. */
export function describeLogger(open: () => LoggerUnderTest): void {
  describe("as a logger", () => {
    let world: LoggerUnderTest;

    beforeEach(() => {
      world = open();
    });

    it.each(["debug", "info", "error"] as const)("writes a line of level %s", (level) => {
      world.logger[level]("launched machine", { slot: 3 });
      world.logger[level]("stopped");
      expect(world.lines()).toMatchObject([
        { level, message: "launched machine", slot: 3 },
        { level, message: "stopped" },
      ]);
    });

    it("gives every line of a child the fields of all that it comes from", () => {
      const child = world.logger.child({ controller: "group" });
      child.child({ name: "live" }).info("launched machine", { slot: 3 });
      expect(world.lines()).toMatchObject([{ controller: "group", name: "live", slot: 3 }]);
    });

    it("keeps the fields of a child from its parent, and those of a line from the next", () => {
      const child = world.logger.child({ controller: "group" });
      child.info("launched machine", { slot: 3 });
      child.info("stopped");
      world.logger.info("started");
      const [, second, third] = world.lines();
      expect(second).not.toHaveProperty("slot");
      expect(third).not.toHaveProperty("controller");
    });

    it("lets a line's own field win", () => {
      world.logger.child({ name: "live" }).info("launched machine", { name: "other" });
      expect(world.lines()).toMatchObject([{ name: "other" }]);
    });

    it("takes an exception", () => {
      world.logger.error("could not launch", { error: new Error("no answer") });
      expect(world.lines()).toMatchObject([{ level: "error", error: { message: "no answer" } }]);
    });
  });
}
