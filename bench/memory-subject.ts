/** The process whose memory is measured: a controller and nothing else. Objects, machines and reports come from its parent. */
import { parseFeedLine, toReport } from "../fleet/feed/feed-lines.ts";
import { LatestReports } from "../fleet/latest-reports.ts";
import { instant } from "../domain/time.ts";
import { memoryHistory } from "../prisma/memory-history.ts";
import { systemClock } from "../runtime/clock.ts";
import { keepHeapSmall } from "../runtime/heap.ts";
import { KubeClient } from "../runtime/kube-client.ts";
import { kubeConfigClass } from "../runtime/kube-config-library.ts";
import { ListedPlatform } from "./listed-platform.ts";
import { heldHeapMb } from "./measure.ts";
import { OperatorUnderTest } from "./operator-under-test.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** What the parent says. */
export type MemoryOrder =
  | { readonly kind: "Load"; readonly smallHeap: boolean }
  | { readonly kind: "Start"; readonly kubeconfig: string; readonly cloudUrl: string; readonly now: number }
  /** Lines of the load feed, and how far (ms) time moves after them. */
  | { readonly kind: "Advance"; readonly lines: readonly string[]; readonly ms: number }
  | { readonly kind: "Collect" };

/** What it answers to each order. */
export interface MemoryAnswer {
  readonly rssMb: number;
  /** In use; after everything that can go has gone where `Collect` was said. */
  readonly heapMb: number;
}

interface Subject {
  readonly clock: VirtualClock;
  readonly reports: LatestReports;
  readonly operator: OperatorUnderTest;
}

async function started({ kubeconfig, cloudUrl, now }: Extract<MemoryOrder, { kind: "Start" }>): Promise<Subject> {
  const clock = new VirtualClock(instant(now));
  const config = new (await kubeConfigClass())();
  config.loadFromString(kubeconfig);
  const kube = new KubeClient({ config, clock: systemClock() });
  const reports = new LatestReports();
  const operator = await OperatorUnderTest.prepare({
    fleet: { clock, kube, reports },
    // The API is in real time, and so is the watch over its connections.
    clusterClock: systemClock(),
    platform: new ListedPlatform(cloudUrl),
    history: memoryHistory(),
    staleMs: 10_000,
  });
  await operator.start();
  return { clock, reports, operator };
}

async function obey(order: MemoryOrder): Promise<MemoryAnswer> {
  switch (order.kind) {
    case "Load":
      if (order.smallHeap) keepHeapSmall();
      // What a controller has loaded, whether it is used here or not.
      await Promise.all([import("../main.ts"), import("../cli/controller.ts"), kubeConfigClass()]);
      break;
    case "Start":
      subject = await started(order);
      break;
    case "Advance":
      if (subject !== undefined) await advance(subject, order);
      break;
    case "Collect":
      return { heapMb: heldHeapMb(), rssMb: process.memoryUsage.rss() / 1e6 };
  }
  return { heapMb: process.memoryUsage().heapUsed / 1e6, rssMb: process.memoryUsage.rss() / 1e6 };
}

async function advance({ clock, reports, operator }: Subject, order: Extract<MemoryOrder, { kind: "Advance" }>) {
  for (const text of order.lines) {
    const line = parseFeedLine(text);
    if (line.kind === "Report") reports.record(toReport(line, clock.now()));
  }
  await clock.advance(order.ms);
  operator.activity.forget();
}

let subject: Subject | undefined;
process.on("message", (order: MemoryOrder) => void obey(order).then((answer) => process.send?.(answer)));
process.on("disconnect", () => process.exit());
