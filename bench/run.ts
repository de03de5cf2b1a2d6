/** The benchmarks: `npm run bench`, or `npm run bench -- rest restart scaling` for some of them. */
import { cpus } from "node:os";
import { Command } from "commander";
import { benchHistory, benchPruning } from "./history.ts";
import { benchMemory } from "./memory.ts";
import { benchReport } from "./report.ts";
import { benchRest } from "./rest.ts";
import { benchRestart } from "./restart.ts";
import { benchScaling } from "./scaling.ts";
import { type Row, table } from "./table.ts";

interface Options {
  readonly nodes: string;
  readonly rounds: string;
}

interface Benchmark {
  readonly title: string;
  readonly goal: string;
  run(options: { readonly nodes: number; readonly rounds: number }): Promise<readonly Row[]>;
}

const benchmarks: Readonly<Record<string, Benchmark>> = {
  rest: {
    title: "reconcile at rest",
    goal: "at least 5,000 objects/s, and no call",
    run: benchRest,
  },
  restart: {
    title: "restart",
    goal: "no termination, no launch, no write to a StreamNode",
    run: benchRestart,
  },
  memory: {
    title: "memory after ten minutes of reports",
    goal: "at most 150 MB above Node's own, and flat",
    run: ({ nodes, rounds }) => benchMemory({ nodes, rounds, minutes: 10 }),
  },
  history: {
    title: "the embedded database over a simulated day of 8 nodes",
    goal: "its log keeps to two files of 16 MB, whatever the hour",
    run: () => benchHistory({ hours: 24, peerHours: 24 }),
  },
  pruning: {
    title: "removing the oldest of 31 days from the embedded database",
    goal: "under a second for each kind",
    run: benchPruning,
  },
  report: {
    title: "report to launch",
    goal: "in one process p50 at most 10 ms, p99 at most 50 ms",
    run: ({ nodes, rounds }) => benchReport({ sizes: [nodes / 10, nodes], rounds, events: 100 }),
  },
  scaling: {
    title: "scaling law of one event",
    goal: "exponents of at most 0.1; a listing may grow with what it lists",
    run: ({ nodes, rounds }) =>
      benchScaling({ sizes: [nodes / 100, nodes / 10, nodes, nodes * 5], events: 100, rounds }),
  },
};

async function run(names: readonly string[], options: Options): Promise<void> {
  const [nodes, rounds] = [Number(options.nodes), Number(options.rounds)];
  for (const name of names.length > 0 ? names : Object.keys(benchmarks)) {
    const benchmark = benchmarks[name];
    if (benchmark === undefined) throw new Error(`there is no benchmark ${name}`);
    const { title, goal } = benchmark;
    const rows = await benchmark.run({ nodes, rounds });
    const around = { nodes, rounds, node: process.version, cpus: cpus().length };
    console.log(JSON.stringify({ benchmark: name, title, goal, ...around, rows }));
    console.log(`\n${title}: ${nodes} nodes (goal: ${goal})\n${table(rows)}\n`);
  }
}

await new Command("bench")
  .argument("[names...]", `which: ${Object.keys(benchmarks).join(", ")}; all when absent`)
  .option("--nodes <count>", "StreamNodes in the fleet", "10000")
  .option("--rounds <count>", "measurements of which the median is shown", "5")
  .action(run)
  .parseAsync();
