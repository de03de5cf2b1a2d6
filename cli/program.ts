/** The program: its commands and their options. What a command needs is loaded when it runs. */
import { Argument, Command } from "commander";
import type { LookedUpKind } from "../api/history-schemas.ts";
import { usualDataDir } from "../local/data-directory.ts";
import { traceDescriptions, traceNames } from "../local/simulation/trace.ts";
import { mostDecisions, toDuration, toFactor, toHttpUrl, toPort, toTime, wholeNumber } from "./arguments.ts";
import type { ExplainFlags } from "./explain.ts";
import type { HistoryFlags } from "./history.ts";
import type { SimulateFlags } from "./simulate.ts";
import type { StatusOptions } from "./status.ts";
import type { UserDataOptions } from "./simulated-cloud.ts";
import type { UpOptions } from "./up.ts";
import { completionScript, type Shell, shells } from "./completion.ts";
import { settingsHelp } from "./settings-help.ts";
import { productVersion } from "./version.ts";

interface CloudOptions {
  readonly dataDir: string;
}

export function program(): Command {
  const root = new Command("streamfleet")
    .description("Keeps the right number of live-streaming servers running.")
    .version(productVersion())
    .exitOverride();
  root
    .command("up")
    .description("everything in one process, on a simulated cloud and an embedded Kubernetes API: for development")
    .option("--data-dir <folder>", "where objects, machines and history are kept", usualDataDir)
    .option("--api-port <port>", "port of the node API (default: STREAMFLEET_API_PORT, else 8080)", toPort)
    .option("--kube-port <port>", "port of the embedded Kubernetes API", toPort, 8081)
    .option(
      "--media-port <port>",
      "port on which simulated viewers and publishers come in (default: 8082, or a free one)",
      toPort,
    )
    .option("--bare", "do not apply the example to an empty data directory")
    .addHelpText("after", () => settingsHelp("up"))
    .action(async (options: UpOptions) => (await import("./up.ts")).up(options));
  addSimulatedCloud(root.command("simulated-cloud"));
  addSimulate(root.command("simulate"));
  addStatus(root.command("status"));
  addExplain(root.command("explain"));
  addHistory(root.command("history"));
  addServed(root);
  root
    .command("completion")
    .description("a script that completes this command line: source <(streamfleet completion bash)")
    .addArgument(new Argument("<shell>").choices(shells))
    .action((shell: Shell) => void process.stdout.write(completionScript(root, shell)));
  return root;
}

/** What runs on a cluster. */
function addServed(root: Command): void {
  const served = (name: "controller" | "api" | "migrate", description: string, action: () => Promise<void>): Command =>
    root
      .command(name)
      .description(description)
      .addHelpText("after", () => settingsHelp(name))
      .action(action);
  served("controller", "the reconcilers, on a Kubernetes cluster and PostgreSQL", async () =>
    (await import("./controller.ts")).controller(),
  );
  served("api", "the node API, on a Kubernetes cluster and PostgreSQL", async () => (await import("./api.ts")).api());
  served("migrate", "brings the database of DATABASE_URL to this version's schema", async () =>
    (await import("./migrate.ts")).migrate(),
  );
}

function addSimulatedCloud(command: Command): void {
  command.description("looks at the simulated cloud, and breaks its machines");
  const inData = (name: string, description: string): Command =>
    command
      .command(name)
      .description(description)
      .option("--data-dir <folder>", "the folder that `up` was given", usualDataDir);
  const cloud = () => import("./simulated-cloud.ts");
  inData("list", "every machine, with its state").action(async ({ dataDir }: CloudOptions) =>
    console.log((await cloud()).machineTable(dataDir)),
  );
  inData("user-data <machine>", "what the machine was given at its boot: the API, its join token, its script")
    .option("--env", "only the settings, as lines that a shell may source", false)
    .action(async (machine: string, options: UserDataOptions) =>
      console.log((await cloud()).userDataOf(machine, options)),
    );
  const verbs = {
    kill: "the machine is gone, as if its host had failed",
    stop: "the machine stops, as if somebody had stopped it",
  } as const;
  for (const verb of ["kill", "stop"] as const)
    inData(`${verb} <machine>`, verbs[verb]).action(async (machine: string, { dataDir }: CloudOptions) =>
      console.log((await cloud()).breakMachine(verb, machine, dataDir)),
    );
}

function addSimulate(command: Command): void {
  command
    .description("lets viewers and publishers come and go at a running `up`, shows it, and draws a picture")
    .option("--trace <name>", `${traceNames.join(", ")}, or a file of seconds,viewers[,publishers]`, "flash-crowd")
    .option("--viewers <count>", "viewers at the highest", wholeNumber({ from: 0, to: 1_000_000 }), 1_000)
    .option("--publishers <count>", "publishers", wholeNumber({ from: 0, to: 10_000 }), 1)
    .option("--speed <factor>", "seconds of the trace in one second; the fleet stays in real time", toFactor, 1)
    .option("--stay <seconds>", "how long a viewer watches on average before another comes; 0: always", toDuration, 60)
    .option("--minutes <minutes>", "how long to run, in real time (default: as long as the trace)", toFactor)
    .option("--group <name>", "name of the NodeGroup", "live")
    .option("-n, --namespace <name>", "namespace of the NodeGroup", "default")
    .option("--data-dir <folder>", "the folder that `up` was given (default: KUBECONFIG, else .streamfleet)")
    .option("--out <file>", "where to write the picture", "simulation.svg")
    .option("--api-url <url>", "where the node API is (default: STREAMFLEET_API_URL, else as `up` has it)", toHttpUrl)
    .option("--media-url <url>", "where the media server of `up` is (default: as `up` has it)", toHttpUrl)
    .option("--keep", "leave the sessions at the end; they last for half a minute", false)
    .addHelpText("after", simulationHelp())
    .action(async (flags: SimulateFlags) => (await import("./simulate.ts")).simulateCommand(flags));
}

function simulationHelp(): string {
  const traces = traceNames.map((name) => `  ${name.padEnd(12)} ${traceDescriptions[name]}`);
  return [
    "",
    "Traces, for N viewers:",
    ...traces,
    "  FILE.csv     seconds,viewers[,publishers] with this header; straight in between, a second twice is a step",
    "",
    "A viewer who finds no free slot is counted as rejected, once. It asks again when the API says so, three times at most,",
    "and then leaves; half a minute later somebody else comes in its place. Ctrl-C ends the trace, and the summary follows.",
  ].join("\n");
}

function addStatus(command: Command): void {
  command
    .description("shows groups, nodes, alarms and what holds, on one screen")
    .option("-n, --namespace <name>", "of which namespace", "default")
    .option("-A, --all-namespaces", "of every namespace")
    .option("--json", "the objects themselves", false)
    .option("--data-dir <folder>", "the folder that `up` was given (default: KUBECONFIG, else .streamfleet)")
    .action(async (flags: StatusOptions) => (await import("./status.ts")).statusCommand(flags));
}

function addExplain(command: Command): void {
  command.description("says why the fleet was scaled, or why not, and whether the decision can be replayed");
  command
    .command("nodegroup <name>")
    .alias("ng")
    .description("the decisions about a NodeGroup, the newest last")
    .option("--last <count>", "how many (default: 10)", wholeNumber({ from: 1, to: mostDecisions }))
    .option("--at <time>", "what held at a time: 2026-11-22T09:00:00Z, or how long ago, such as 10m", toTime)
    .option("--json", "the records as they are kept", false)
    .option("-n, --namespace <name>", "namespace of the NodeGroup", "default")
    .option("--data-dir <folder>", "the folder that `up` was given (default: KUBECONFIG, else .streamfleet)")
    .option("--api-url <url>", "where the node API is (default: STREAMFLEET_API_URL, else as `up` has it)", toHttpUrl)
    .action(async (name: string, flags: ExplainFlags) => (await import("./explain.ts")).explainCommand(name, flags));
}

const lookUps: readonly (readonly [LookedUpKind, string])[] = [
  ["nodes", "its nodes, with their machines, and why they went"],
  ["streams", "the streams that its nodes carried"],
  ["alarms", "the changes of its alarms"],
  ["load", "its load by the minute: mean and most of one node"],
];

function addHistory(command: Command): void {
  command.description("shows what was of a NodeGroup, also of one that is deleted: the newest last");
  for (const [kind, what] of lookUps) {
    command
      .command(`${kind} [nodegroup]`)
      .description(what)
      .option("--last <count>", "most rows", wholeNumber({ from: 1, to: mostDecisions }), 50)
      .option(
        "--from <time>",
        "nothing that was over by then: 2026-11-22T09:00:00Z, or how long ago, such as 2h",
        toTime,
      )
      .option("--to <time>", "only what had begun before then", toTime)
      .option("--json", "the records as they are kept, the newest first", false)
      .option("-n, --namespace <name>", "namespace of the NodeGroup", "default")
      .option("--data-dir <folder>", "the folder that `up` was given (default: KUBECONFIG, else .streamfleet)")
      .option("--api-url <url>", "where the node API is (default: STREAMFLEET_API_URL, else as `up` has it)", toHttpUrl)
      .action(async (name: string | undefined, flags: HistoryFlags) =>
        (await import("./history.ts")).historyCommand(kind, name, flags),
      );
  }
}
