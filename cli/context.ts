import { randomInt } from "node:crypto";
import type { Clock } from "../domain/ports.ts";
import { systemClock } from "../runtime/clock.ts";
import type { Config } from "../runtime/config.ts";
import { createLogger, type LogDestination, type Logger } from "../runtime/logger.ts";
import { createMetrics, type Metrics } from "../runtime/metrics.ts";
import { productVersion } from "./version.ts";

/** What every command builds on. */
export interface Process {
  readonly config: Config;
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly version: string;
}

/** As the environment and the machine have it. */
export function newProcess(config: Config, destination: LogDestination): Process {
  return {
    config,
    clock: systemClock(),
    random: () => randomInt(2 ** 47) / 2 ** 47,
    logger: createLogger({ level: config.logLevel, destination }),
    metrics: createMetrics(),
    version: productVersion(),
  };
}
