/** The states of all alarms as they are now, in memory: what the alarm reconciler finds and the node-group reconciler reads. */
import { tellAll } from "../domain/listeners.ts";
import type { AlarmVerdict } from "../domain/alarm/alarm-verdict.ts";
import type { AlarmDefinition } from "../domain/alarm/alarm-definitions.ts";
import type { AlarmTransition } from "../domain/history.ts";

/** An alarm in one region: its state, since when, and why. */
export interface AlarmStanding extends AlarmVerdict {
  readonly definition: AlarmDefinition;
  readonly region: string;
}

export interface AlarmNews {
  /** A state or a definition is another than before, or one has come or gone: listeners are told. */
  readonly changed: boolean;
  /** Changes of state that people have not been told of yet. */
  readonly transitions?: readonly AlarmTransition[];
}

/** One writer, the alarm reconciler; a group is named by its `namespace/name`. */
export class AlarmStates {
  readonly #standings = new Map<string, readonly AlarmStanding[]>();
  readonly #scalingOut = new Set<string>();
  readonly #untold = new Map<string, readonly AlarmTransition[]>();
  readonly #listeners = new Set<(group: string) => void>();

  ofGroup(group: string): readonly AlarmStanding[] {
    return this.#standings.get(group) ?? [];
  }

  /** Whether the group's alarms have been looked at in this term; having none of them is an answer as well. */
  knows(group: string): boolean {
    return this.#standings.has(group);
  }

  /** Whether an alarm that scales out is in ALARM somewhere in the group: each report may make the shortage larger. */
  scalesOut(group: string): boolean {
    return this.#scalingOut.has(group);
  }

  /** Replaces what is known of a group's alarms, and tells the listeners before it returns. */
  publish(group: string, standings: readonly AlarmStanding[], { changed, transitions = [] }: AlarmNews): void {
    this.#standings.set(group, standings);
    if (standings.some(({ definition, state }) => definition.action === "ScaleOut" && state === "ALARM"))
      this.#scalingOut.add(group);
    else this.#scalingOut.delete(group);
    if (transitions.length > 0) this.#untold.set(group, [...(this.#untold.get(group) ?? []), ...transitions]);
    if (changed) this.#tell(group);
  }

  hasUntold(group: string): boolean {
    return this.#untold.has(group);
  }

  /** Changes of state that nobody has taken yet, oldest first; they are the caller's to tell now. */
  takeUntold(group: string): readonly AlarmTransition[] {
    const transitions = this.#untold.get(group) ?? [];
    this.#untold.delete(group);
    return transitions;
  }

  /** The group is no more, or is about to be. */
  forget(group: string): void {
    this.#untold.delete(group);
    this.#scalingOut.delete(group);
    if (this.#standings.delete(group)) this.#tell(group);
  }

  /** A term of leadership begins or ends: what was known is another's to know. Nobody is told. */
  clear(): void {
    this.#standings.clear();
    this.#scalingOut.clear();
    this.#untold.clear();
  }

  /** Calls the listener with the group at every change, until the returned function is called. */
  onChange(listener: (group: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(group: string): void {
    tellAll(this.#listeners, group);
  }
}
