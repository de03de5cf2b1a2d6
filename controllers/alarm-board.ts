/** The states of all alarms as they are now, in memory: what the alarm reconciler finds and the node-group reconciler reads. */
import type { AlarmState } from "../domain/alarm.ts";
import type { AlarmDefinition } from "../domain/alarm-definitions.ts";
import type { Instant } from "../domain/time.ts";

/** An alarm in one region. */
export interface AlarmStanding {
  readonly definition: AlarmDefinition;
  readonly region: string;
  readonly state: AlarmState;
  readonly since: Instant;
  /** For people, with numbers. */
  readonly reason: string;
}

/** One writer, the alarm reconciler; a group is named by its `namespace/name`. */
export class AlarmBoard {
  readonly #standings = new Map<string, readonly AlarmStanding[]>();
  readonly #listeners = new Set<(group: string) => void>();

  of(group: string): readonly AlarmStanding[] {
    return this.#standings.get(group) ?? [];
  }

  /** Replaces what is known of a group's alarms. `changed`: a state or a definition is another, which listeners are told. */
  publish(group: string, standings: readonly AlarmStanding[], { changed }: { readonly changed: boolean }): void {
    if (standings.length === 0) this.#standings.delete(group);
    else this.#standings.set(group, standings);
    if (changed) for (const listener of [...this.#listeners]) listener(group);
  }

  onChange(listener: (group: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
