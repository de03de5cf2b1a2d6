import { describe, expect, it } from "@jest/globals";
import { Controller, type ControllerOptions } from "../../runtime/controller.ts";
import { ApiError } from "../../runtime/kubernetes-api.ts";
import { createMetrics, type Metrics } from "../../runtime/metrics.ts";
import {
  done,
  type ObjectKey,
  type ReconcileResult,
  requeueAfter,
  type ReconcileContext,
} from "../../runtime/reconciler.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";
import { RecordingLogger } from "../support/recording-logger.ts";

type Reconcile = (key: ObjectKey, signal: AbortSignal) => Promise<ReconcileResult>;

interface Bench {
  readonly clock: FakeClock;
  readonly logger: RecordingLogger;
  readonly metrics: Metrics;
  readonly controller: Controller;
  readonly calls: string[];
}

function bench(reconcile: Reconcile, options: Partial<ControllerOptions> = {}): Bench {
  const clock = new FakeClock();
  const logger = new RecordingLogger();
  const metrics = createMetrics();
  const calls: string[] = [];
  const reconciler = {
    name: "group",
    reconcile: (key: ObjectKey, { signal }: ReconcileContext) => {
      calls.push(`${clock.monotonicMs()} ${key.namespace}/${key.name}`);
      return reconcile(key, signal);
    },
  };
  const controller = new Controller({ reconciler, clock, random: () => 0, logger, metrics, ...options });
  return { clock, logger, metrics, controller, calls };
}

async function results(metrics: Metrics): Promise<string[]> {
  const lines = (await metrics.text()).split("\n").filter((line) => line.startsWith("streamfleet_reconcile_total{"));
  return lines.map((line) => /result="(\w+)"\} (\d+)/.exec(line)!.slice(1).join(" "));
}

/** Throws the errors in order, then succeeds. */
function failing(...errors: Error[]): Reconcile {
  return () => {
    const error = errors.shift();
    return error === undefined ? Promise.resolve(done) : Promise.reject(error);
  };
}

describe("controller", () => {
  it("works on keys that were added before it started", async () => {
    const { controller, calls, clock } = bench(() => Promise.resolve(done));
    controller.queue.add("a/b");
    await clock.advance(0);
    expect(calls).toEqual([]);
    controller.start();
    await clock.advance(0);
    expect(calls).toEqual(["0 a/b"]);
    await controller.stop();
  });

  it("does not repeat what is done", async () => {
    const { controller, calls, clock, metrics } = bench(() => Promise.resolve(done));
    controller.start();
    controller.queue.add("a/b");
    await clock.advance(600_000);
    expect(calls).toEqual(["0 a/b"]);
    expect(await results(metrics)).toEqual(["done 1"]);
    await controller.stop();
  });

  it("looks again after the time that was asked for", async () => {
    const { controller, calls, clock, metrics } = bench(() => Promise.resolve(requeueAfter(5_000, "resync")));
    controller.start();
    controller.queue.add("a/b");
    await clock.advance(10_000);
    expect(calls).toEqual(["0 a/b", "5000 a/b", "10000 a/b"]);
    expect(await results(metrics)).toEqual(["requeue 3"]);
    await controller.stop();
  });

  it("repeats a conflict once the copy may have caught up, and only whispers", async () => {
    const conflict = new ApiError(409, "Conflict", "the object has been modified");
    const { controller, calls, clock, logger, metrics } = bench(failing(conflict));
    controller.start();
    controller.queue.add("a/b");
    await clock.advance(49);
    expect(calls).toEqual(["0 a/b"]);
    await clock.advance(1);
    expect(calls).toEqual(["0 a/b", "50 a/b"]);
    expect(await results(metrics)).toEqual(["conflict 1", "done 1"]);
    expect(logger.lines.filter((line) => line.level === "error")).toEqual([]);
    await controller.stop();
  });

  it("backs off from other errors, and starts anew after a success", async () => {
    const boom = (): Error => new Error("boom");
    const { controller, calls, clock, metrics } = bench(failing(boom(), boom(), boom()));
    controller.start();
    controller.queue.add("a/b");
    await clock.advance(60_000);
    expect(calls).toEqual(["0 a/b", "1000 a/b", "3000 a/b", "7000 a/b"]);
    expect(await results(metrics)).toEqual(["error 3", "done 1"]);
    expect(controller.queue.failures("a/b")).toBe(0);
    await controller.stop();
  });

  it("treats a reconciler that throws before its first await alike", async () => {
    const { controller, calls, clock } = bench(() => {
      throw new Error("at once");
    });
    controller.start();
    controller.queue.add("a/b");
    await clock.advance(1_000);
    expect(calls).toHaveLength(2);
    await controller.stop();
  });

  it("aborts what takes longer than 120 s and treats it as an error", async () => {
    const signals: AbortSignal[] = [];
    const { controller, calls, clock, metrics } = bench((_key, signal) => {
      signals.push(signal);
      return new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason as Error));
      });
    });
    controller.start();
    controller.queue.add("a/b");
    await clock.advance(119_999);
    expect(signals.map((signal) => signal.aborted)).toEqual([false]);
    await clock.advance(1_001);
    expect(signals.map((signal) => signal.aborted)).toEqual([true, false]);
    expect(calls).toEqual(["0 a/b", "121000 a/b"]);
    expect(await results(metrics)).toEqual(["timeout 1"]);
    await controller.stop(AbortSignal.abort());
  });

  it("gives the worker, but not the key, to others while a reconcile ignores its signal", async () => {
    const stuck = Promise.withResolvers<ReconcileResult>();
    let first = true;
    const reconcile: Reconcile = (key) => {
      if (key.name !== "stuck" || !first) return Promise.resolve(done);
      first = false;
      return stuck.promise;
    };
    const { controller, calls, clock } = bench(reconcile, { workers: 1, timeoutMs: 1_000 });
    controller.start();
    controller.queue.add("a/stuck");
    controller.queue.add("a/other");
    await clock.advance(10_000);
    expect(calls).toEqual(["0 a/stuck", "1000 a/other"]);
    stuck.resolve(done);
    await clock.advance(0);
    expect(calls).toEqual(["0 a/stuck", "1000 a/other", "10000 a/stuck"]);
    await controller.stop();
  });

  it("runs as many keys at once as it has workers", async () => {
    const ends: (() => void)[] = [];
    const { controller, calls, clock } = bench(() => new Promise((resolve) => ends.push(() => resolve(done))), {
      workers: 2,
    });
    controller.start();
    for (const name of ["a/1", "a/2", "a/3"]) controller.queue.add(name);
    await clock.advance(0);
    expect(calls).toEqual(["0 a/1", "0 a/2"]);
    ends[0]!();
    await clock.advance(0);
    expect(calls).toHaveLength(3);
    for (const end of ends) end();
    await controller.stop();
  });

  it("waits at stop for what runs, without aborting it, and takes nothing more", async () => {
    const running = Promise.withResolvers<ReconcileResult>();
    let aborted = false;
    const { controller, calls, clock } = bench(
      (_key, signal) => {
        signal.addEventListener("abort", () => (aborted = true));
        return running.promise;
      },
      { workers: 1 },
    );
    controller.start();
    controller.queue.add("a/1");
    controller.queue.add("a/2");
    await clock.advance(0);
    let stopped = false;
    const stopping = controller.stop().then(() => (stopped = true));
    await settle();
    expect({ stopped, aborted }).toEqual({ stopped: false, aborted: false });
    running.resolve(done);
    await stopping;
    expect(calls).toEqual(["0 a/1"]);
    expect(controller.queue.depth).toBe(1);
  });

  it("interrupts at stop when asked to hurry, and works on the key after the next start", async () => {
    let patient = true;
    const { controller, calls, clock, logger, metrics } = bench((_key, signal) => {
      if (!patient) return Promise.resolve(done);
      return new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason as Error));
      });
    });
    controller.start();
    controller.queue.add("a/b");
    await clock.advance(0);
    await controller.stop(AbortSignal.abort(new Error("hurry")));
    expect(logger.lines.filter((line) => line.level === "error")).toEqual([]);
    patient = false;
    controller.start();
    await clock.advance(0);
    expect(calls).toEqual(["0 a/b", "0 a/b"]);
    expect(await results(metrics)).toEqual(["done 1"]);
    await controller.stop();
  });

  it("looks at every key now and then", async () => {
    const { controller, calls, clock } = bench(() => Promise.resolve(done), {
      resync: { everyMs: 60_000, keys: () => ["a/1", "a/2"] },
    });
    controller.start();
    await clock.advance(120_000);
    expect(calls).toEqual(["60000 a/1", "60000 a/2", "120000 a/1", "120000 a/2"]);
    await controller.stop();
    await clock.advance(120_000);
    expect(calls).toHaveLength(4);
    expect(clock.pendingTimers).toBe(0);
  });
});
