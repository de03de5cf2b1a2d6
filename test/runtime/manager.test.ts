import { beforeEach, describe, expect, it } from "@jest/globals";
import type { LeadershipListener } from "../../runtime/leader-election.ts";
import {
  type Election,
  type LeaderTask,
  Manager,
  type ManagerOptions,
  type Source,
  StartError,
} from "../../runtime/manager.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";
import { RecordingLogger } from "../support/recording-logger.ts";

let clock: FakeClock;
let steps: string[];

beforeEach(() => {
  clock = new FakeClock();
  steps = [];
});

class TestSource implements Source {
  readonly name: string;
  lastError: unknown = undefined;
  readonly synced = Promise.withResolvers<undefined>();
  constructor(name: string, options: { readonly complete: boolean } = { complete: true }) {
    this.name = name;
    if (options.complete) this.synced.resolve(undefined);
  }
  start(): void {
    steps.push(`start ${this.name}`);
  }
  stop(): Promise<void> {
    steps.push(`stop ${this.name}`);
    return Promise.resolve();
  }
  async whenSynced(): Promise<void> {
    await this.synced.promise;
  }
}

/** A task whose work ends when told to, or when it is interrupted unless it is stubborn. */
class TestTask implements LeaderTask {
  readonly name: string;
  readonly work: "Idle" | "Busy" | "Stubborn";
  constructor(name: string, work: TestTask["work"] = "Idle") {
    this.name = name;
    this.work = work;
  }
  start(): void {
    steps.push(`start ${this.name}`);
  }
  async stop(abort?: AbortSignal): Promise<void> {
    steps.push(`stop ${this.name}`);
    if (this.work === "Idle" || (this.work === "Busy" && abort?.aborted === true)) return;
    await new Promise<void>((resolve) => {
      if (this.work === "Busy") abort?.addEventListener("abort", () => resolve());
    });
    steps.push(`interrupted ${this.name}`);
  }
}

class TestElection implements Election {
  readonly #listeners = new Set<LeadershipListener>();
  start(): void {
    steps.push("stand for election");
  }
  stop(options: { readonly release: boolean }): Promise<void> {
    steps.push(options.release ? "release" : "let run out");
    return Promise.resolve();
  }
  onChange(listener: LeadershipListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  async tell(change: "started" | "lost"): Promise<void> {
    for (const listener of this.#listeners) listener[change]();
    await settle();
  }
}

function manager(options: Partial<ManagerOptions>): Manager {
  return new Manager({ sources: [], tasks: [], clock, logger: new RecordingLogger(), ...options });
}

describe("manager", () => {
  it("starts sources, then controllers once all sources are complete, and stops in reverse", async () => {
    const late = new TestSource("nodes", { complete: false });
    const subject = manager({
      sources: [new TestSource("groups"), late],
      tasks: [new TestTask("one"), new TestTask("two")],
    });
    const starting = subject.start();
    await clock.advance(1_000);
    expect(steps).toEqual(["start groups", "start nodes"]);
    late.synced.resolve(undefined);
    await starting;
    expect(steps.splice(0)).toEqual(["start groups", "start nodes", "start one", "start two"]);
    await subject.stop();
    expect(steps).toEqual(["stop two", "stop one", "stop nodes", "stop groups"]);
    expect(clock.pendingTimers).toBe(0);
  });

  it("runs controllers only while it leads", async () => {
    const election = new TestElection();
    const subject = manager({ sources: [new TestSource("groups")], tasks: [new TestTask("one")], election });
    await subject.start();
    expect(steps.splice(0)).toEqual(["start groups", "stand for election"]);
    await election.tell("started");
    await election.tell("lost");
    await election.tell("started");
    expect(steps.splice(0)).toEqual(["start one", "stop one", "start one"]);
    await subject.stop();
    expect(steps).toEqual(["stop one", "release", "stop groups"]);
  });

  it("interrupts running work when leadership is lost", async () => {
    const election = new TestElection();
    const subject = manager({ tasks: [new TestTask("one", "Busy")], election });
    await subject.start();
    await election.tell("started");
    await election.tell("lost");
    await election.tell("started");
    expect(steps).toEqual(["stand for election", "start one", "stop one", "start one"]);
  });

  it("interrupts work that does not end within the grace", async () => {
    const election = new TestElection();
    const subject = manager({ tasks: [new TestTask("one", "Busy")], election, graceMs: 10_000 });
    await subject.start();
    await election.tell("started");
    const stopping = subject.stop();
    await clock.advance(9_999);
    expect(steps.splice(0)).toEqual(["stand for election", "start one", "stop one"]);
    await clock.advance(1);
    await stopping;
    expect(steps).toEqual(["interrupted one", "release"]);
  });

  it("leaves stubborn work behind, and then does not release the lease", async () => {
    const election = new TestElection();
    const logger = new RecordingLogger();
    const subject = manager({ tasks: [new TestTask("one", "Stubborn")], election, logger });
    await subject.start();
    await election.tell("started");
    const stopping = subject.stop();
    await clock.advance(25_000);
    await stopping;
    expect(steps.at(-1)).toBe("let run out");
    const fields = { controllers: ["one"] };
    expect(logger.lines).toContainEqual({ level: "error", message: "left running work behind", fields });
  });

  it("says in one line which source did not come, and why", async () => {
    const source = new TestSource("nodegroups", { complete: false });
    source.lastError = new Error("connect ECONNREFUSED 127.0.0.1:8081");
    const subject = manager({ sources: [new TestSource("groups"), source], tasks: [new TestTask("one")] });
    const failing = subject.start().catch((error: unknown) => error);
    await clock.advance(60_000);
    const error = await failing;
    expect(error).toBeInstanceOf(StartError);
    expect(error).toMatchObject({
      message: "could not list nodegroups within 60 s: connect ECONNREFUSED 127.0.0.1:8081",
    });
    expect(steps).toEqual(["start groups", "start nodegroups", "stop groups", "stop nodegroups"]);
  });

  it("can be stopped while it starts", async () => {
    const source = new TestSource("nodes", { complete: false });
    const subject = manager({ sources: [source], tasks: [new TestTask("one")] });
    const starting = subject.start().catch((error: unknown) => error);
    await subject.stop();
    expect(await starting).toMatchObject({ message: "stopped before the start was complete" });
    expect(steps).not.toContain("start one");
  });
});
