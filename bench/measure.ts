/** Numbers from work that is done, and what several of them say together. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { sleep, systemClock } from "../runtime/clock.ts";

/** Time that some work took: on the wall, and on all processors together. */
export interface Cost {
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** Does the work and says what it cost. */
export async function costOf(work: () => Promise<void>): Promise<Cost> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  await work();
  const wallMs = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  return { wallMs, cpuMs: (user + system) / 1_000 };
}

/** Time (ms) on the one clock that all processes of a machine share. */
export function sharedMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

const forever = new AbortController().signal;

export function pause(ms: number): Promise<undefined> {
  return sleep(systemClock(), ms, forever).then(() => undefined);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}

/** By nearest rank: so many percent of the values are not above it. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? NaN;
}

/** The exponent b of the law `cost = a * size^b` that fits the points best (least squares of the logarithms). */
export function exponentOf(points: readonly { readonly size: number; readonly cost: number }[]): number {
  return slopeOf(points.map(({ size, cost }) => ({ x: Math.log(size), y: Math.log(cost) })));
}

/** Of the straight line that fits the points best (least squares). */
export function slopeOf(points: readonly { readonly x: number; readonly y: number }[]): number {
  const meanX = mean(points.map(({ x }) => x));
  const meanY = mean(points.map(({ y }) => y));
  const covariance = mean(points.map(({ x, y }) => (x - meanX) * (y - meanY)));
  return covariance / mean(points.map(({ x }) => (x - meanX) ** 2));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as (options?: { readonly type: "minor" }) => void;

/** Everything that can go, goes. */
export function collectGarbage(): void {
  collect();
  collect();
}

/** What was made a moment ago and is not held goes. */
export function collectYoung(): void {
  collect({ type: "minor" });
}

/** Heap (MB) that is in use once everything that can go has gone. */
export function heldHeapMb(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed / 1e6;
}

/** Rounded for people and files: three digits that count. */
export function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
