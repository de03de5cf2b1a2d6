/** What falls due when, the earliest first. Adding and taking cost at most the logarithm of how many wait. */
import type { Instant } from "../domain/time.ts";

interface Deadline<T> {
  readonly at: Instant;
  readonly item: T;
}

/**
 * Most deadlines are added in the order in which they fall due, and wait in a line; the others in a binary heap. An item may
 * wait more than once; whoever takes it sees whether it still matters.
 */
export class DeadlineQueue<T> {
  #line: Deadline<T>[] = [];
  /** What is before this place in the line has been taken. */
  #front = 0;
  readonly #heap: Deadline<T>[] = [];

  get size(): number {
    return this.#line.length - this.#front + this.#heap.length;
  }

  add(item: T, at: Instant): void {
    const last = this.#line.at(-1);
    if (last === undefined || last.at <= at) {
      this.#line.push({ at, item });
      return;
    }
    this.#heap.push({ at, item });
    this.#rise(this.#heap.length - 1);
  }

  /** Takes the earliest that fell due before `now`, or gives undefined when none did. */
  takeBefore(now: Instant): Deadline<T> | undefined {
    const inLine = this.#line[this.#front];
    const first = inLine !== undefined && inLine.at <= this.#at(0) ? inLine : this.#heap[0];
    if (first === undefined || first.at >= now) return undefined;
    if (first === inLine) this.#takeFromLine();
    else this.#takeFromHeap();
    return first;
  }

  #takeFromLine(): void {
    this.#front++;
    if (this.#front <= this.#line.length / 2) return;
    this.#line = this.#line.slice(this.#front);
    this.#front = 0;
  }

  #takeFromHeap(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#sink(0);
  }

  #rise(start: number): void {
    for (let place = start; place > 0;) {
      const parent = (place - 1) >> 1;
      if (this.#at(parent) <= this.#at(place)) return;
      this.#swap(place, parent);
      place = parent;
    }
  }

  #sink(start: number): void {
    for (let place = start; ;) {
      const [left, right] = [2 * place + 1, 2 * place + 2];
      const child = this.#at(right) < this.#at(left) ? right : left;
      if (this.#at(place) <= this.#at(child)) return;
      this.#swap(place, child);
      place = child;
    }
  }

  #at(place: number): number {
    return this.#heap[place]?.at ?? Infinity;
  }

  #swap(one: number, other: number): void {
    const [first, second] = [this.#heap[one], this.#heap[other]];
    if (first === undefined || second === undefined) return;
    this.#heap[one] = second;
    this.#heap[other] = first;
  }
}
