/** The scaling law: what one event costs in a small fleet and in a large one. */
import { apiGroup, kinds } from "../crds/names.ts";
import { slotName } from "../domain/names.ts";
import { memoryHistory } from "../prisma/memory-history.ts";
import { systemClock } from "../runtime/clock.ts";
import { ChangingPlatform } from "./changing-platform.ts";
import { collectGarbage, collectYoung, exponentOf, median, rounded } from "./measure.ts";
import { OperatorUnderTest } from "./operator-under-test.ts";
import {
  groupName,
  machineIdOf,
  namespace,
  type NodePlace,
  reportOf,
  restingFleet,
  type RestingFleet,
  type Told,
  uidOf,
} from "./resting-fleet.ts";
import type { Row } from "./table.ts";

export interface ScalingOptions {
  readonly sizes: readonly number[];
  /** Events of each kind that are measured in a round, and as many before them that are not. */
  readonly events: number;
  readonly rounds: number;
}

/** A fleet with its operator, to which things happen. */
interface Stage {
  readonly fleet: RestingFleet;
  readonly platform: ChangingPlatform;
  readonly operator: OperatorUnderTest;
  readonly edges: readonly NodePlace[];
}

/** Makes the event of this number happen; answers when (`performance.now()`) it reached the operator. */
type Event = (stage: Stage, number: number) => Promise<number>;

const events: Readonly<Record<string, Event>> = {
  "report (a sample, its alarms judged)": tellLoad,
  "report that matters": changeReport,
  "StreamNode status change": changeStatus,
  "machine state change, its listing's garbage gone": (stage, number) => changeMachine(stage, number, collectYoung),
  "machine state change, right after its listing": (stage, number) => changeMachine(stage, number),
};

/**
 * Costs by event: what the operator itself did, without the time in which it waited for the Kubernetes API. The sizes take
 * turns, each time with a fleet of their own.
 */
export async function benchScaling({ sizes, events: count, rounds }: ScalingOptions): Promise<readonly Row[]> {
  const costs = new Map<string, Map<number, number[]>>();
  // The code is compiled as it runs: without this, the first size would pay for all.
  await costsAt(Math.min(...sizes), count);
  for (let round = 0; round < rounds; round += 1) {
    for (const size of sizes) {
      for (const [name, cost] of await costsAt(size, count)) {
        const bySize = costs.get(name) ?? new Map<number, number[]>();
        costs.set(name, bySize.set(size, [...(bySize.get(size) ?? []), cost]));
      }
    }
  }
  return [...costs].map(([event, bySize]) => {
    const points = [...bySize].map(([size, all]) => ({ size, cost: median(all) }));
    const shown = points.map(({ size, cost }) => [`us at ${size}`, Math.round(cost * 1_000)] as const);
    return { event, ...Object.fromEntries(shown), exponent: rounded(exponentOf(points)) };
  });
}

async function costsAt(size: number, count: number): Promise<ReadonlyMap<string, number>> {
  const fleet = await restingFleet({ nodes: size }, systemClock());
  const platform = new ChangingPlatform(fleet);
  const operator = await OperatorUnderTest.settled({ fleet, platform, history: memoryHistory() });
  const stage = { fleet, platform, operator, edges: fleet.places.filter(({ role }) => role === "edge") };
  const costs = new Map<string, number>();
  // What making the fleet has left behind is nobody's cost.
  collectGarbage();
  for (const [name, event] of Object.entries(events)) costs.set(name, await medianCost(stage, event, count));
  costs.set("listing of one region", await listingCost(stage, count));
  await operator.stop();
  fleet.close();
  return costs;
}

async function medianCost(stage: Stage, event: Event, count: number): Promise<number> {
  const costs: number[] = [];
  for (let number = 0; number < 2 * count; number += 1) {
    const cost = await costOfEvent(stage, () => event(stage, number));
    if (number >= count) costs.push(cost);
  }
  return median(costs);
}

/** From the event to the end of the last reconcile that it caused, without the API's time and without sweeps. */
async function costOfEvent({ operator }: Stage, happen: () => Promise<number>): Promise<number> {
  const { activity, calls } = operator;
  activity.forget();
  calls.reset();
  const startMs = await happen();
  await operator.quiet();
  const ended = activity.ended();
  const last = ended.findLast(({ controller }) => controller !== "sweep");
  if (last === undefined) throw new Error("nothing came of the event");
  const sweeps = ended.filter(({ controller, endMs }) => controller === "sweep" && endMs < last.endMs);
  const sweepMs = sweeps.reduce((sum, { ms }) => sum + ms, 0);
  return last.endMs - startMs - sweepMs - calls.waitedMs;
}

/** One complete listing without a change, the sweep that follows it included: the same whether anything happened or not. */
async function listingCost({ operator, fleet }: Stage, count: number): Promise<number> {
  const costs: number[] = [];
  const region = fleet.places[0]?.region ?? "";
  for (let number = 0; number < count; number += 1) {
    operator.activity.forget();
    const start = performance.now();
    await operator.inventory.refresh(region);
    await operator.quiet();
    costs.push((operator.activity.ended().at(-1)?.endMs ?? start) - start);
  }
  return median(costs);
}

/** The edge of this event: another each time, but for the second of a pair that takes the first back. */
function edgeOf({ edges }: Stage, number: number): NodePlace {
  const edge = edges[(Math.floor(number / 2) * 7) % edges.length];
  if (edge === undefined) throw new Error("there is no edge");
  return edge;
}

/** An edge reports as it does every few seconds: the load is sampled, and the alarms of its group are looked at. */
function tellLoad(stage: Stage, number: number): Promise<number> {
  const connections = 95 + (number % 11);
  return report(stage, number, { connections });
}

/** An edge loses its links, and has them back. */
function changeReport(stage: Stage, number: number): Promise<number> {
  return report(stage, number, { linked: number % 2 === 1 });
}

function report(stage: Stage, number: number, told: Partial<Told>): Promise<number> {
  const { reports, clock } = stage.fleet;
  const edge = edgeOf(stage, number);
  const at = clock.now();
  const sequence = (reports.latest(uidOf(edge))?.sequence ?? 0) + 1;
  const startMs = performance.now();
  if (!reports.record(reportOf(uidOf(edge), edge, { sequence, at, ...told })))
    throw new Error("the report was not taken");
  return Promise.resolve(startMs);
}

/** The API writes that a node has registered again. */
function changeStatus(stage: Stage, number: number): Promise<number> {
  const { kube, clock } = stage.fleet;
  const { role, slot } = edgeOf(stage, number);
  const key = { resource: `${kinds.StreamNode.plural}.${apiGroup}`, namespace, name: slotName(groupName, role, slot) };
  const node = kube.store.read(key);
  if (node === undefined) throw new Error(`there is no StreamNode ${key.name}`);
  const status = node["status"] as { readonly registration: object };
  const registration = { ...status.registration, version: `${clock.now()}-${number}` };
  const startMs = performance.now();
  kube.store.put(key, { ...node, status: { ...status, registration } });
  return Promise.resolve(startMs);
}

/** The cloud cannot tell a machine's state for a while, and can again. The event begins where the listing has been read. */
function changeMachine(stage: Stage, number: number, clear?: () => void): Promise<number> {
  const { platform, operator } = stage;
  const edge = edgeOf(stage, number);
  platform.obscure(number % 2 === 0 ? machineIdOf(edge) : undefined);
  return operator.listed(edge.region, clear);
}
