/** Measures every call to a cloud, so that no driver has to. */
import type { PlatformName } from "../crds/names.ts";
import type { PlatformErrorKind } from "../domain/launch/platform-error.ts";
import type { CloudPlatform, PlatformResult } from "./platform.ts";

export type PlatformMethod = "launch" | "terminate" | "read" | "readMany" | "list" | "updateTags";

/** How a call ended. One that threw, a defect of its driver, is `Unavailable`: its outcome is not known. */
export type PlatformOutcome = "ok" | PlatformErrorKind;

export interface PlatformCall {
  readonly platform: PlatformName;
  readonly method: PlatformMethod;
  readonly outcome: PlatformOutcome;
  readonly seconds: number;
}

/** The port to wherever measurements go. */
export interface PlatformMetrics {
  observe(call: PlatformCall): void;
}

/** The same cloud; each of its calls is also observed once it has ended. */
export function instrumented(
  platform: CloudPlatform,
  metrics: PlatformMetrics,
  monotonicMs: () => number,
): CloudPlatform {
  const timed = async <T>(method: PlatformMethod, call: () => PlatformResult<T>): PlatformResult<T> => {
    const start = monotonicMs();
    let outcome: PlatformOutcome = "Unavailable";
    try {
      const result = await call();
      outcome = result.ok ? "ok" : result.error.kind;
      return result;
    } finally {
      metrics.observe({ platform: platform.name, method, outcome, seconds: (monotonicMs() - start) / 1_000 });
    }
  };
  return {
    name: platform.name,
    visibilityLagMs: platform.visibilityLagMs,
    listIntervalMs: platform.listIntervalMs,
    launch: (request, signal) => timed("launch", () => platform.launch(request, signal)),
    terminate: (region, ids, signal) => timed("terminate", () => platform.terminate(region, ids, signal)),
    read: (region, id, signal) => timed("read", () => platform.read(region, id, signal)),
    readMany: (region, ids, signal) => timed("readMany", () => platform.readMany(region, ids, signal)),
    list: (query, signal) => timed("list", () => platform.list(query, signal)),
    updateTags: (region, id, tags, signal) => timed("updateTags", () => platform.updateTags(region, id, tags, signal)),
  };
}
