/** A simulated cloud on virtual time, ready for a contract or a scenario. */
import { expect } from "@jest/globals";
import type { PlatformError } from "../../domain/launch/platform-error.ts";
import type { Result } from "../../domain/result.ts";
import type { LaunchRequest } from "../../platforms/platform.ts";
import { SimulatedCloud } from "../../platforms/simulated/simulated-cloud.ts";
import type { SimulatedCloudOptions } from "../../platforms/simulated/options.ts";
import { SimulatedPlatform, type SimulatedPlatformOptions } from "../../platforms/simulated/simulated-platform.ts";
import type { CloudUnderTest } from "../conformance/cloud-platform.ts";
import { FakeClock } from "./fake-clock.ts";

export interface SimulatedWorld {
  readonly clock: FakeClock;
  readonly cloud: SimulatedCloud;
  readonly platform: SimulatedPlatform;
}

export type WorldOptions = Partial<SimulatedCloudOptions & Omit<SimulatedPlatformOptions, "cloud">> & {
  readonly clock?: FakeClock;
};

export function simulatedWorld(options: WorldOptions = {}): SimulatedWorld {
  const { clock = new FakeClock(), listIntervalMs, pageSize, callMs, ...rest } = options;
  const cloud = new SimulatedCloud({ ...rest, clock });
  const platform = new SimulatedPlatform({
    cloud,
    clock,
    ...(listIntervalMs === undefined ? {} : { listIntervalMs }),
    ...(pageSize === undefined ? {} : { pageSize }),
    ...(callMs === undefined ? {} : { callMs }),
  });
  return { clock, cloud, platform };
}

/** The world as the platform contract wants it: with a visibility lag, small pages and a scarce region. */
export function simulatedCloudUnderTest(options: Partial<SimulatedCloudOptions> = {}): CloudUnderTest {
  const zones = {
    "sim-east": ["a", "b", "c"].map((letter) => ({ name: `sim-east${letter}`, capacity: 100 })),
    "sim-west": [{ name: "sim-westa", capacity: 100 }],
    "sim-small": [
      { name: "sim-smalla", capacity: 1 },
      { name: "sim-smallb", capacity: 3 },
    ],
  };
  const lag = { visibilityLagMs: 5_000, bootMs: 2_000, bootJitterMs: 1_000, stopMs: 1_000, seed: "contract" };
  const { clock, ...rest } = { ...lag, zones, ...options };
  const world = simulatedWorld({ ...rest, clock: clock instanceof FakeClock ? clock : new FakeClock(), pageSize: 10 });
  return {
    platform: world.platform,
    region: "sim-east",
    otherRegion: "sim-west",
    scarce: { region: "sim-small", capacity: 4 },
    image: "image-1",
    instanceType: "small",
    otherInstanceType: "large",
    settle: () => world.clock.advance(6_000),
    close: () => world.cloud.close(),
  };
}

/** A launch request with what a test does not care about. */
export function launchRequest(change: Partial<LaunchRequest> = {}): LaunchRequest {
  return {
    token: "token-1",
    region: "sim-east",
    count: 1,
    image: "image-1",
    instanceType: "small",
    tags: { "streamfleet.dev/cluster": "test" },
    userData: "",
    ...change,
  };
}

/** The value of a result that a test expects to be one. */
export function valueOf<T>(result: Result<T, PlatformError>): T {
  expect(result).toMatchObject({ ok: true });
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}
