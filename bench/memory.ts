/**
 * Memory: what a controller of a large fleet occupies after ten minutes of reports, and whether it goes on growing. It has a
 * process of its own; the Kubernetes API, the cloud and the nodes are here. Time is virtual, and memory is not.
 */
import { spawn } from "node:child_process";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { reportLine } from "../fleet/feed/feed-lines.ts";
import { clusterTag } from "../domain/node/ownership.ts";
import { startKubeServer } from "../local/kube/http-server.ts";
import { kubeconfig } from "../local/kube/kubeconfig.ts";
import { SimulatedPlatform } from "../platforms/simulated/simulated-platform.ts";
import { systemClock } from "../runtime/clock.ts";
import { median, rounded, slopeOf } from "./measure.ts";
import type { MemoryAnswer, MemoryOrder } from "./memory-subject.ts";
import { clusterId } from "./installation.ts";
import { type Ordered, ordered } from "./orders.ts";
import { intervalMs } from "./report-stream.ts";
import { reportOf, restingFleet, type RestingFleet, uidOf } from "./resting-fleet.ts";
import type { Row } from "./table.ts";

export interface MemoryOptions {
  readonly nodes: number;
  readonly rounds: number;
  readonly minutes: number;
}

interface Sample {
  readonly minute: number;
  readonly rssMb: number;
}

interface Life {
  readonly bareMb: number;
  /** Once the code was loaded. */
  readonly loadedMb: number;
  /** Once the fleet was known and decided on. */
  readonly idleMb: number;
  readonly lastMb: number;
  readonly highestMb: number;
  /** Of RSS over the last half. */
  readonly mbPerHour: number;
  /** Of the heap that is held, from the middle to the end. */
  readonly heldMbPerHour: number;
  readonly heldMb: number;
}

const stepMs = 100;

export async function benchMemory({ nodes, rounds, minutes }: MemoryOptions): Promise<readonly Row[]> {
  const fleet = await restingFleet({ nodes }, systemClock());
  const kube = await startKubeServer({ api: fleet.kube, port: 0 });
  const cloud = await serveMachines(fleet);
  const codeFolder = await mkdtemp(join(tmpdir(), "streamfleet-code-"));
  await startedOnce(codeFolder);
  const lives = new Map<string, Life[]>(Object.keys(subjects).map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1)
    for (const [name, lived] of lives)
      lived.push(await lifeOn({ fleet, kube, cloud, codeFolder, minutes }, subjects[name] ?? true));
  await kube.close();
  cloud.close();
  fleet.close();
  await rm(codeFolder, { recursive: true });
  return [...lives].map(([name, lived]) => rowOf(name, lived));
}

/** Whether the heap is kept small, as the product has it; and as V8 has it on its own. */
const subjects: Readonly<Record<string, boolean>> = { controller: true, "controller, heap as V8 has it": false };

function rowOf(subject: string, lives: readonly Life[]): Row {
  const middle = (of: (life: Life) => number) => rounded(median(lives.map(of)));
  return {
    subject,
    "bare Node MB": middle(({ bareMb }) => bareMb),
    "code loaded MB": middle(({ loadedMb }) => loadedMb),
    "before reports MB": middle(({ idleMb }) => idleMb),
    "after MB": middle(({ lastMb }) => lastMb),
    "above Node MB": middle(({ lastMb, bareMb }) => lastMb - bareMb),
    "highest MB": middle(({ highestMb }) => highestMb),
    "MB/h": middle(({ mbPerHour }) => mbPerHour),
    "held heap MB": middle(({ heldMb }) => heldMb),
    "held MB/h": middle(({ heldMbPerHour }) => heldMbPerHour),
  };
}

interface Stage {
  readonly fleet: RestingFleet;
  readonly kube: { readonly url: string };
  readonly cloud: { readonly url: string };
  /** Where compiled code is kept from one start to the next, as the product does it. */
  readonly codeFolder: string;
  readonly minutes: number;
}

async function lifeOn({ fleet, kube, cloud, codeFolder, minutes }: Stage, smallHeap: boolean): Promise<Life> {
  const bareMb = await bareNodeMb();
  const child: Ordered<MemoryOrder, MemoryAnswer> = ordered("memory-subject.ts", { NODE_COMPILE_CACHE: codeFolder });
  const tell = child.tell.bind(child);
  const start = fleet.clock.now();
  const { rssMb: loadedMb } = await tell({ kind: "Load", smallHeap });
  await tell({ kind: "Start", kubeconfig: kubeconfig(kube.url), cloudUrl: cloud.url, now: start });
  const { rssMb: idleMb } = await tell({ kind: "Advance", lines: [], ms: 5_000 });
  const samples: Sample[] = [];
  const halfMs = (minutes * 60_000) / 2;
  const linesAt = feedOf(fleet);
  const live = async (fromMs: number): Promise<void> => {
    for (let ms = fromMs; ms < fromMs + halfMs; ms += stepMs) {
      const { rssMb } = await tell({ kind: "Advance", lines: linesAt(ms), ms: stepMs });
      samples.push({ minute: ms / 60_000, rssMb });
    }
  };
  await live(0);
  const middle = await tell({ kind: "Collect" });
  await live(halfMs);
  const end = await tell({ kind: "Collect" });
  await child.end();
  const later = samples.filter(({ minute }) => minute >= minutes / 2);
  return {
    ...{ bareMb, loadedMb, idleMb, heldMb: end.heapMb },
    // As a monitor would see it: garbage comes and goes, so the middle of the last minute.
    lastMb: median(later.filter(({ minute }) => minute >= minutes - 1).map(({ rssMb }) => rssMb)),
    highestMb: Math.max(...samples.map(({ rssMb }) => rssMb)),
    mbPerHour: slopeOf(later.map(({ minute, rssMb }) => ({ x: minute / 60, y: rssMb }))),
    heldMbPerHour: ((end.heapMb - middle.heapMb) * 60) / (minutes / 2),
  };
}

/** The lines of the feed from `ms` on, for one step. Loads move a little, as loads do. */
function feedOf({ places }: RestingFleet): (ms: number) => readonly string[] {
  let sent = 0;
  return (ms) => {
    const lines: string[] = [];
    const due = Math.floor(((ms + stepMs) / intervalMs) * places.length);
    for (; sent < due; sent += 1) {
      const place = places[sent % places.length];
      if (place === undefined) continue;
      const now = systemClock().now();
      const told = { sequence: sent + 1, at: now, connections: 95 + ((sent * 7) % 11) };
      lines.push(JSON.stringify(reportLine(reportOf(uidOf(place), place, told), now)));
    }
    return lines;
  };
}

/** The first start fills the folder, and ends. */
async function startedOnce(codeFolder: string): Promise<void> {
  const child: Ordered<MemoryOrder, MemoryAnswer> = ordered("memory-subject.ts", { NODE_COMPILE_CACHE: codeFolder });
  await child.tell({ kind: "Load", smallHeap: true });
  await child.end();
}

async function bareNodeMb(): Promise<number> {
  const script = "setTimeout(() => console.log(process.memoryUsage.rss()), 500)";
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  return Number(await text(child.stdout)) / 1e6;
}

async function serveMachines({ cloud, clock }: RestingFleet): Promise<{ readonly url: string; close(): void }> {
  const platform = new SimulatedPlatform({ cloud, clock });
  const bodies = new Map<string, string>();
  const server: Server = createServer((request, response) => {
    const region = (request.url ?? "").slice(1);
    void bodyOf(region).then((body) => response.end(body));
  });
  const bodyOf = async (region: string): Promise<string> => {
    const known = bodies.get(region);
    if (known !== undefined) return known;
    const listed = await platform.list({ region, tags: { [clusterTag]: clusterId } }, new AbortController().signal);
    const body = JSON.stringify(listed.ok ? listed.value : []);
    bodies.set(region, body);
    return body;
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => void server.close() };
}
