import { describe, expect, it } from "@jest/globals";
import { createLogger, type LogLevel, silentLogger } from "../../runtime/logger.ts";
import { describeLogger } from "../conformance/logger.ts";
import { RecordingLogger } from "../support/recording-logger.ts";

type Line = Record<string, unknown>;

function capture(level: LogLevel = "debug"): {
  readonly logger: ReturnType<typeof createLogger>;
  readonly lines: () => Line[];
} {
  const written: string[] = [];
  const logger = createLogger({ level, destination: { write: (line) => written.push(line) } });
  return { logger, lines: () => written.map((line) => JSON.parse(line) as Line) };
}

describe("recording logger", () => {
  describeLogger(() => {
    const logger = new RecordingLogger();
    return { logger, lines: () => logger.lines.map(({ fields, ...line }) => ({ ...line, ...fields })) };
  });
});

describe("logger", () => {
  describeLogger(capture);

  it("writes one JSON line each, with the time", () => {
    const { logger, lines } = capture();
    logger.info("launched machine");
    expect(lines()[0]!["time"]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it.each([
    ["debug", ["debug", "info", "error"]],
    ["info", ["info", "error"]],
    ["error", ["error"]],
    ["silent", []],
  ] as const)("at level %s writes %j", (level, expected) => {
    const { logger, lines } = capture(level);
    logger.debug("a");
    logger.info("b");
    logger.error("c");
    expect(lines().map((line) => line["level"])).toEqual(expected);
  });

  it("writes errors with their stack and their cause", () => {
    const { logger, lines } = capture();
    const cause = new Error("connection refused");
    logger.error("reconcile failed", { error: new TypeError("no answer", { cause }) });
    const error = lines()[0]!["error"] as Record<string, unknown>;
    expect(error).toMatchObject({ name: "TypeError", message: "no answer", cause: { message: "connection refused" } });
    expect(error["stack"]).toContain("logger.test");
  });

  it.each([
    ["token", { token: "s3cret" }],
    ["joinToken", { node: { joinToken: "s3cret" } }],
    ["headers", { headers: [{ Authorization: "s3cret" }] }],
    ["user data", { request: { userData: "s3cret", count: 1 } }],
    ["DATABASE_URL", { DATABASE_URL: "s3cret" }],
    ["a URL with a password", { url: "postgres://user:s3cret@db:5432/x" }],
    ["a URL in an error", { error: new Error("cannot reach postgres://user:s3cret@db") }],
    ["a token of ours in a text", { text: "refused sfj1.0123456789ab.WyJtZWRpYSJd.s3cret" }],
    ["a bearer token in a text", { text: "sent Bearer s3cret" }],
    ["what its child carries", { cause: { password: "s3cret" } }],
  ])("hides secrets: %s", (_name, fields) => {
    const { logger, lines } = capture();
    logger.info("a", fields);
    logger.child(fields).info("b");
    expect(JSON.stringify(lines())).not.toContain("s3cret");
    expect(JSON.stringify(lines())).toContain("[redacted]");
  });

  it("survives a field that holds itself", () => {
    const { logger, lines } = capture();
    const loop: Record<string, unknown> = {};
    loop["loop"] = loop;
    logger.info("a", { loop });
    expect(lines()).toHaveLength(1);
  });

  it("can be silent", () => {
    expect(() => silentLogger.child({ a: 1 }).error("nothing")).not.toThrow();
  });
});
