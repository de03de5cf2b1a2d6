/** Passes history on, and sees in it when a group was decided on with all of its machines read. */
import type { DecidedActivity } from "../domain/history.ts";
import type { ScalingInput } from "../domain/scaling/decide-scaling.ts";
import type { Instant } from "../domain/time.ts";
import type { HistoryRecorder } from "../prisma/history-recorder.ts";

export class DecisionWatch implements HistoryRecorder {
  readonly #history: HistoryRecorder;
  /** What is told of one decision is told in one go: one activity for each of its places. */
  #told: DecidedActivity[] = [];
  #waiting: (() => void)[] = [];

  constructor(history: HistoryRecorder) {
    this.#history = history;
  }

  /** Resolves at the next complete decision. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  recordActivity(activity: DecidedActivity, at: Instant): void {
    this.#history.recordActivity(activity, at);
    if (this.#waiting.length === 0) return;
    if (this.#told.length === 0) queueMicrotask(() => this.#judge());
    this.#told.push(activity);
  }

  recordTransition(...told: Parameters<HistoryRecorder["recordTransition"]>): void {
    this.#history.recordTransition(...told);
  }

  recordClose(...told: Parameters<HistoryRecorder["recordClose"]>): void {
    this.#history.recordClose(...told);
  }

  recordStreams(...told: Parameters<HistoryRecorder["recordStreams"]>): void {
    this.#history.recordStreams(...told);
  }

  recordLoad(...told: Parameters<HistoryRecorder["recordLoad"]>): void {
    this.#history.recordLoad(...told);
  }

  recordReport(...told: Parameters<HistoryRecorder["recordReport"]>): void {
    this.#history.recordReport(...told);
  }

  recordAlarm(...told: Parameters<HistoryRecorder["recordAlarm"]>): void {
    this.#history.recordAlarm(...told);
  }

  #judge(): void {
    const told = this.#told;
    this.#told = [];
    if (!told.every(({ input }) => (input as ScalingInput).adopted)) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
