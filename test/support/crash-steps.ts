/** Steps through a scenario: each time the process is killed one call later, until the scenario ends before that. */
import { expect } from "@jest/globals";
import type { Fleet } from "./fleet.ts";
import type { CrashPoint } from "./lifeline.ts";

export interface CrashScenario {
  /** Before each step; the process that the fleet has by then lives. */
  readonly prepare: () => Promise<void>;
  /** What a person or the cloud does; by then the process that is to be killed has been started. */
  readonly act: () => Promise<void>;
  readonly done: () => boolean;
  /** Looked at each time, once it is done. */
  readonly check: () => void;
}

/** More calls than any scenario makes. */
const mostCalls = 500;

/** Answers the number of calls of the scenario, all of which were stepped through; with `stride`, each so-many-th of them. */
export async function surviveEveryCall(
  fleet: Fleet,
  moment: CrashPoint["moment"],
  { prepare, act, done, check }: CrashScenario,
  stride = 1,
): Promise<number> {
  for (let call = 1; call <= mostCalls; call += stride) {
    await prepare();
    fleet.kill();
    const doomed = await fleet.start({ crash: { call, moment } });
    await act();
    await fleet.until(`done, or killed ${moment} call ${call}`, () => doomed.lifeline.hasDied() || done());
    const lived = !doomed.lifeline.hasDied();
    if (!lived) await fleet.start();
    await fleet.until(`done, though killed ${moment} call ${call}`, done, 120_000);
    check();
    if (lived) return call - 1;
  }
  throw new Error(`the scenario makes more than ${mostCalls} calls`);
}

/** A group of so many origins is made, each time after the one before has gone; each is launched once. */
export function launchScenario(fleet: Fleet, origins: number): CrashScenario {
  let known = new Set<string>();
  return {
    prepare: async () => {
      if (fleet.objects().includes("NodeGroup/live")) await fleet.delete("NodeGroup", "live");
      await fleet.until("nothing is left", () => fleet.machinesLeft().length === 0 && fleet.nodes().length === 0);
      known = new Set(fleet.cloud.machines().map(({ providerId }) => providerId));
    },
    act: () => fleet.applyOrigins(origins),
    done: () => fleet.inService() === origins,
    check: () => {
      expect(fleet.contradictions()).toEqual([]);
      expect(fleet.names()).toEqual(Array.from({ length: origins }, (_, slot) => `live-origin-${slot}`));
      expect(fleet.cloud.machines().filter(({ providerId }) => !known.has(providerId))).toHaveLength(origins);
    },
  };
}
