/** Measures every call to a cloud, so that no driver has to. */
import type { PlatformCall, PlatformMethod, PlatformOutcome } from "../domain/launch/platform-call.ts";
import type { CloudPlatform, PlatformResult } from "./platform.ts";

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
