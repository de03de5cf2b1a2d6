/**
 * The composition root and the command line: the only file that knows all names. What not every command needs is loaded by
 * those that do: a controller would carry it for nothing.
 */
import { randomBytes, randomInt, randomUUID } from "node:crypto";
import { lookup } from "node:dns/promises";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { Argument, Command, CommanderError, InvalidArgumentError } from "commander";
import { operatorHeader } from "./api/client-address.ts";
import type { LookedUpKind } from "./api/history-schemas.ts";
import { FeedClient } from "./api/feed-client.ts";
import { InformedGroupDirectory } from "./api/group-directory.ts";
import { type Listener, PortInUseError } from "./api/listener.ts";
import { serveOperations } from "./api/operations-server.ts";
import { ReportBook } from "./api/report-book.ts";
import type { ApiServer } from "./api/server.ts";
import { InformedStreamNodeDirectory, streamNodeIndexers } from "./api/stream-node-directory.ts";
import type { Cloud, Clouds } from "./controllers/clouds.ts";
import { type InformedCluster, informedCluster } from "./controllers/cluster.ts";
import type { Leadership } from "./controllers/leadership.ts";
import { assertKinds, assertNamespace, kindsGone } from "./controllers/installation.ts";
import { operatorTasks } from "./controllers/operator.ts";
import type { Kind, PlatformName } from "./crds/names.ts";
import { type LoadFeed, staleIntervals } from "./domain/load.ts";
import type { Clock, Instant } from "./domain/time.ts";
import { completionScript, type Shell, shells } from "./local/completion.ts";
import { openCloudFile } from "./local/cloud-file.ts";
import {
  assertClosed,
  beginFirstStart,
  type DataDirectory,
  dataDirectory,
  endFirstStart,
  nodeKey,
  usualDataDir,
} from "./local/data-directory.ts";
import type { HistoryOptions } from "./local/history-command.ts";
import { mostDecisions, parseTime } from "./local/explain.ts";
import type { ExplainOptions } from "./local/explain-command.ts";
import { type Endpoints, readEndpoints, writeEndpoints } from "./local/endpoints.ts";
import type { EmbeddedApi } from "./local/kube/embedded-api.ts";
import { openObjectFile } from "./local/kube/object-file.ts";
import { LogFile } from "./local/log-file.ts";
import { MediaFleet } from "./local/media-fleet.ts";
import type { MediaServer, MediaServerOptions } from "./local/media-server.ts";
import { messageColumn, showProgress } from "./local/progress.ts";
import { settingsHelp } from "./local/settings-help.ts";
import type { SimulateOptions } from "./local/simulation/command.ts";
import { traceDescriptions, traceNames } from "./local/simulation/trace.ts";
import { fitted } from "./local/wrap.ts";
import type { StatusOptions } from "./local/status-command.ts";
import { instrumented } from "./platforms/instrumented.ts";
import { MachineInventory } from "./platforms/inventory.ts";
import { SimulatedCloud } from "./platforms/simulated/simulated-cloud.ts";
import { SimulatedPlatform } from "./platforms/simulated/simulated-platform.ts";
import { BufferedHistory } from "./prisma/buffered-history.ts";
import { acquireDirectoryLock } from "./prisma/directory-lock.ts";
import type { HistoryDatabase } from "./prisma/history-database.ts";
import { recordReport } from "./prisma/report-record.ts";
import { connectPostgres } from "./prisma/postgres-database.ts";
import { passingOutageMs, unwritten } from "./prisma/unwritten.ts";
import { sleep, systemClock } from "./runtime/clock.ts";
import { type Config, ConfigError, loadConfig, processEnvironment, type ServerConfig } from "./runtime/config.ts";
import { EventRecorder } from "./runtime/events.ts";
import { keepHeapSmall } from "./runtime/heap.ts";
import { type KeyRing, loadKeyRing } from "./runtime/key-ring.ts";
import { KubeClient, loadKubeConfig } from "./runtime/kube-client.ts";
import type { KubernetesApi } from "./runtime/kubernetes-api.ts";
import { LeaderElection } from "./runtime/leader-election.ts";
import { createLogger, type LogDestination, type Logger } from "./runtime/logger.ts";
import { type LeaderTask, Manager } from "./runtime/manager.ts";
import { createMetrics, type Metrics } from "./runtime/metrics.ts";
import { signOperatorToken, verifyOperatorToken } from "./runtime/node-tokens.ts";

/** What every command builds on. */
interface Process {
  readonly config: Config;
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly version: string;
}

interface UpOptions {
  readonly dataDir: string;
  readonly apiPort?: number;
  readonly kubePort: number;
  readonly mediaPort?: number;
  readonly bare?: true;
}

/** Errors whose message is written for people: one line, no stack. */
const plainErrors = new Set([
  "CommandError",
  "ConfigError",
  "CrdError",
  "DatabaseOpenError",
  "DataFileError",
  "DirectoryLockedError",
  "DirectoryUnusableError",
  "InvalidKeysError",
  "KubeConfigError",
  "ListenError",
  "MachineError",
  "MigrationError",
  "PortInUseError",
  "StartError",
  "TraceError",
]);

/** How often (ms) the node keys are read again, so that a rotation is seen. */
const keyRefreshMs = 60_000;
const keptSilenceFactor = 3;
const usualMediaPort = 8082;

/** Runs the command line. Sets the exit code: 0 done, 1 failed, 2 usage. */
export async function run(argv: readonly string[]): Promise<void> {
  process.stdout.on("error", endWithReader);
  try {
    await program().parseAsync([...argv]);
  } catch (error) {
    process.exitCode = error instanceof CommanderError ? (error.exitCode === 0 ? 0 : 2) : fail(error);
  }
}

function fail(error: unknown): number {
  const plain = error instanceof Error && plainErrors.has(error.name);
  const text = plain ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
  for (const line of text.split("\n")) console.error(fitted(`streamfleet: ${line}`, process.stderr));
  return error instanceof ConfigError ? 2 : 1;
}

function program(): Command {
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
    .action(up);
  addSimulatedCloud(root.command("simulated-cloud"));
  addSimulate(root.command("simulate"));
  addStatus(root.command("status"));
  addExplain(root.command("explain"));
  addHistory(root.command("history"));
  const served = (name: "controller" | "api" | "migrate", description: string, action: () => Promise<void>): Command =>
    root
      .command(name)
      .description(description)
      .addHelpText("after", () => settingsHelp(name))
      .action(action);
  served("controller", "the reconcilers, on a Kubernetes cluster and PostgreSQL", controller);
  served("api", "the node API, on a Kubernetes cluster and PostgreSQL", api);
  served("migrate", "brings the database of DATABASE_URL to this version's schema", migrate);
  root
    .command("completion")
    .description("a script that completes this command line: source <(streamfleet completion bash)")
    .addArgument(new Argument("<shell>").choices(shells))
    .action((shell: Shell) => void process.stdout.write(completionScript(root, shell)));
  return root;
}

interface CloudOptions {
  readonly dataDir: string;
}

function addSimulatedCloud(command: Command): void {
  command.description("looks at the simulated cloud, and breaks its machines");
  const inData = (name: string, description: string): Command =>
    command
      .command(name)
      .description(description)
      .option("--data-dir <folder>", "the folder that `up` was given", usualDataDir);
  const cloud = () => import("./local/simulated-cloud-command.ts");
  inData("list", "every machine, with its state").action(async ({ dataDir }: CloudOptions) =>
    console.log((await cloud()).machineTable(dataDir)),
  );
  inData("user-data <machine>", "what the machine was given at its boot: the API, its join token").action(
    async (machine: string, { dataDir }: CloudOptions) => console.log((await cloud()).userDataOf(machine, dataDir)),
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
    .action(simulate);
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
    .action(status);
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
    .action(explain);
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
      .action((name: string | undefined, flags: HistoryFlags) => history(kind, name, flags));
  }
}

function wholeNumber({ from, to }: { readonly from: number; readonly to: number }): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d{1,9}$/.test(text) && number >= from && number <= to) return number;
    throw new InvalidArgumentError(`write a whole number from ${from} to ${to}`);
  };
}

function toFactor(text: string): number {
  if (isFactor(text)) return Number(text);
  throw new InvalidArgumentError("write a number above 0 and below 100000");
}

function toDuration(text: string): number {
  if (text === "0" || isFactor(text)) return Number(text);
  throw new InvalidArgumentError("write 0, or a number above 0 and below 100000");
}

function isFactor(text: string): boolean {
  return /^\d{1,5}(\.\d{1,6})?$/.test(text) && Number(text) > 0;
}

function toHttpUrl(text: string): string {
  if (/^https?:\/\/./.test(text) && URL.canParse(text)) return text.replace(/\/+$/, "");
  throw new InvalidArgumentError("write a URL such as http://127.0.0.1:8080");
}

function toTime(text: string): Instant {
  const time = parseTime(text, systemClock().now());
  if (time !== undefined) return time;
  throw new InvalidArgumentError("write a time such as 2026-11-22T09:00:00Z, or how long ago, such as 90s, 10m, 2h");
}

function toPort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new InvalidArgumentError("write a port from 1 to 65535");
}

function productVersion(): string {
  const manifest = JSON.parse(readFileSync(join(import.meta.dirname, "package.json"), "utf8")) as { version: string };
  return manifest.version;
}

function newProcess(config: Config, destination: LogDestination): Process {
  return {
    config,
    clock: systemClock(),
    random: () => randomInt(2 ** 47) / 2 ** 47,
    logger: createLogger({ level: config.logLevel, destination }),
    metrics: createMetrics(),
    version: productVersion(),
  };
}

// ------------------------------------------------------------------------------------------------ up

async function up(options: UpOptions): Promise<void> {
  const { apiPort, kubePort, mediaPort } = options;
  const env = processEnvironment();
  const config = loadConfig(apiPort === undefined ? env : { ...env, STREAMFLEET_API_PORT: String(apiPort) }, "up");
  const bare = options.bare === true;
  await untilStopped(async (stops, interrupted) => {
    const data = dataDirectory(options.dataDir);
    process.umask(0o077);
    assertClosed(data);
    const lock = acquireDirectoryLock(data.root);
    stops.add(() => lock.release());
    interrupted.addEventListener("abort", () => say("stopping; the machines are left as they are"));
    await startAll({ config, data, kubePort, mediaPort, bare, stops, interrupted });
  });
}

interface UpSettings {
  readonly config: Config;
  readonly data: DataDirectory;
  readonly kubePort: number;
  readonly mediaPort: number | undefined;
  readonly bare: boolean;
  readonly stops: Stops;
  readonly interrupted: AbortSignal;
}

async function startAll({ config, data, kubePort, mediaPort, bare, stops, interrupted }: UpSettings): Promise<void> {
  const first = beginFirstStart(data);
  const log = new LogFile(data.log, (line) => console.error(`streamfleet: ${line}`));
  const own = newProcess(config, log);
  const seed = nodeKey(data, randomBytes);
  const simulated = simulatedCloud(own, data.cloud, stops);
  const kube = await openEmbeddedApi(own, data, stops);
  say(first ? `setting up ${data.root}: this takes a few seconds` : `opening ${data.root}`);
  const { database, history } = await openHistory(own, data, stops);
  const { startKubeServer } = await import("./local/kube/http-server.ts");
  const { writeKubeconfig } = await import("./local/kube/kubeconfig.ts");
  const { kubeAccess } = await import("./local/kube/access.ts");
  const access = await kubeAccess(data.kubeAccess, { now: new Date(own.clock.now()), random: randomBytes });
  const server = await startKubeServer({
    api: kube,
    port: kubePort,
    access,
    onError: (error) => own.logger.error("kubernetes api failed", { error }),
  });
  stops.add(() => server.close());
  writeKubeconfig(data.kubeconfig, server.url, access);
  const keys = await loadKeyRing(kube, config.namespace, { clock: own.clock, random: randomBytes, seed });
  stops.add(keys.refreshEvery(keyRefreshMs, own.logger));
  const cluster = openCluster(own, kube);
  const reports = new ReportBook();
  const events = eventRecorder(own, kube, stops);
  const nodeApi = await createNodeApi(own, {
    ...{ cluster, keys, reports, history, database, events },
    hosts: [new URL(config.apiUrl).hostname],
  });
  simulated.know(keys);
  stops.add(() => nodeApi.close());
  await nodeApi.listen({ port: config.apiPort, host: "127.0.0.1", chosenBy: "--api-port" });
  const { clock, logger } = own;
  const verify = (token: string): boolean => verifyOperatorToken(keys, token);
  const players = await listenForPlayers({ fleet: simulated.fleet, verify, clock, logger }, mediaPort);
  stops.add(() => players.close());
  writeEndpoints(data.endpoints, { apiUrl: `http://127.0.0.1:${config.apiPort}`, mediaUrl: players.url });
  const always: Leadership = { isLeader: () => true };
  own.metrics.leading(true);
  const tasks = operator(
    own,
    {
      api: kube,
      cluster,
      simulated,
      keys,
      feed: reports,
      history,
      database,
      leadership: always,
    },
    stops,
  );
  const manager = new Manager({ sources: cluster.informers, tasks: [...tasks, simulated.mediaNodes], ...own });
  stops.add(() => manager.stop());
  await manager.start();
  const applied = first && !bare;
  if (applied) await applyExample(kube);
  endFirstStart(data);
  void present(own, { data, cluster, kubeUrl: server.url, awaitGroups: applied, interrupted });
}

/** Simulations find the port in the data directory, so that another one does as well where nobody has chosen it. */
async function listenForPlayers(
  options: Omit<MediaServerOptions, "port">,
  port: number | undefined,
): Promise<MediaServer> {
  const { startMediaServer } = await import("./local/media-server.ts");
  if (port !== undefined) return startMediaServer({ ...options, port });
  try {
    return await startMediaServer({ ...options, port: usualMediaPort });
  } catch (error) {
    if (!(error instanceof PortInUseError)) throw error;
    return startMediaServer({ ...options, port: 0 });
  }
}

async function applyExample(kube: EmbeddedApi): Promise<void> {
  const { createAll } = await import("./local/manifests.ts");
  await createAll(kube, join(import.meta.dirname, "examples", "live.yaml"));
}

async function openEmbeddedApi({ config, clock }: Process, data: DataDirectory, stops: Stops): Promise<EmbeddedApi> {
  const { EmbeddedApi } = await import("./local/kube/embedded-api.ts");
  const { ObjectStore } = await import("./local/kube/object-store.ts");
  const { readDefinitions } = await import("./local/manifests.ts");
  const store = new ObjectStore({ persistence: openObjectFile(data.objects) });
  const crds = readDefinitions(join(import.meta.dirname, "crds"));
  const api = new EmbeddedApi({ crds, store, clock, newUid: randomUUID, namespaces: [config.namespace] });
  stops.add(() => api.close());
  return api;
}

interface OpenHistory {
  readonly database: HistoryDatabase;
  readonly history: BufferedHistory;
}

async function openHistory(own: Process, data: DataDirectory, stops: Stops): Promise<OpenHistory> {
  const { databaseUrl } = own.config;
  const tell = say;
  if (databaseUrl !== undefined) return postgresHistory(own, databaseUrl, stops, tell);
  const { openEmbeddedDatabase } = await import("./prisma/embedded-database.ts");
  const database = await openEmbeddedDatabase(data.db, own.config.clusterId);
  stops.add(() => database.close());
  return { database, history: bufferedHistory(own, { database, tell }, stops) };
}

interface Presentation {
  readonly data: DataDirectory;
  readonly cluster: InformedCluster;
  readonly kubeUrl: string;
  /** Groups were just made, so there will be nodes to show. */
  readonly awaitGroups: boolean;
  readonly interrupted: AbortSignal;
}

async function present({ clock, config }: Process, shown: Presentation): Promise<void> {
  const { data, cluster, kubeUrl, awaitGroups, interrupted } = shown;
  say(`streamfleet up: node API ${config.apiUrl}, Kubernetes API ${kubeUrl} (for development only)`);
  say(`log: ${data.log}`);
  const { streamNodes, nodeGroups } = cluster;
  if (awaitGroups || nodeGroups.cache.keys().length > 0) {
    const write = (line: string): void => say(line, messageColumn);
    const onNode = streamNodes.cache.onChange.bind(streamNodes.cache);
    const onGroup = nodeGroups.cache.onChange.bind(nodeGroups.cache);
    const groups = () => nodeGroups.cache.list();
    const waiting = await showProgress({ clock, write, onNode, onGroup, groups }, interrupted);
    if (interrupted.aborted) return;
    say(waiting.length === 0 ? "every group is ready" : "every group is ready, or waits for you:");
    for (const { name, why } of waiting) say(`  ${name}: ${why}`, 4);
  }
  console.log(whatToTry(data.kubeconfig));
  say("\nCtrl-C stops streamfleet and leaves the machines; start again and they are still there.", 0);
}

/** For people: wrapped where they look at a terminal. What they are to copy is not said so. */
function say(text: string, indent?: number): void {
  console.log(fitted(text, process.stdout, indent));
}

function whatToTry(kubeconfig: string): string {
  return [
    "",
    "Try, in another terminal:",
    `  export KUBECONFIG=${kubeconfig}`,
    "  kubectl get streamfleet                 # everything there is",
    "  kubectl describe nodegroup live         # what happened, and why",
    "  kubectl explain nodegroup.spec          # what can be written",
    "  kubectl patch scalepolicy live --type=json \\",
    '    -p \'[{"op":"replace","path":"/spec/roles/1/minLimit","value":5}]\'',
    "  kubectl get streamnodes --watch         # and see three more edges come",
  ].join("\n");
}

// ------------------------------------------------------------------------------------ controller, api, migrate

async function controller(): Promise<void> {
  keepHeapSmall();
  const config = loadConfig(processEnvironment(), "controller");
  const own = newProcess(config, process.stdout);
  await untilStopped(async (stops) => {
    const kube = new KubeClient({ config: await loadKubeConfig(config.kubeconfig), clock: own.clock });
    await startController(own, config, kube, stops);
  });
}

/** Of one family: a process that has an address of both is to be followed once. */
async function addressesOf(name: string): Promise<readonly string[]> {
  const found = await lookup(name, { all: true, order: "ipv4first" });
  return found.filter(({ family }) => family === found[0]?.family).map(({ address }) => address);
}

async function startController(own: Process, config: ServerConfig, kube: KubernetesApi, stops: Stops): Promise<void> {
  const { clock, logger, metrics, random } = own;
  await assertNamespace(kube, config.namespace);
  const missing = await kindsGone(kube);
  if (missing.size > 0) logger.info("definitions are being deleted: what is left is ended", { missing: [...missing] });
  const { database, history } = postgresHistory(own, config.databaseUrl, stops);
  const keys = await loadKeyRing(kube, config.namespace, { clock, random: randomBytes });
  stops.add(keys.refreshEvery(keyRefreshMs, logger));
  const { feedUrls, simulatedCloudDir } = config;
  const feed = new FeedClient({
    urls: feedUrls,
    resolve: addressesOf,
    keys,
    clock,
    random,
    fetch: globalThis.fetch,
    logger,
    metrics: own.metrics,
  });
  feed.start();
  stops.add(() => feed.stop());
  const simulated = simulatedCloudDir === undefined ? undefined : simulatedCloud(own, simulatedCloudDir, stops);
  simulated?.know(keys);
  const cluster = openCluster(own, kube, missing);
  cluster.streamNodes.cache.onChange((change) => {
    if (change.kind === "Deleted") feed.forget(change.object.metadata.uid);
  });
  const identity = `${hostname()}-${randomUUID()}`;
  const lease = { namespace: config.namespace, name: "streamfleet-controller", identity };
  const election = new LeaderElection({ api: kube, clock, random, logger, metrics, ...lease });
  const deps = { api: kube, cluster, keys, feed, history, database, leadership: election };
  const tasks = operator(own, simulated === undefined ? deps : { ...deps, simulated }, stops);
  const all = simulated === undefined ? tasks : [...tasks, simulated.mediaNodes];
  const manager = new Manager({ sources: cluster.informers, tasks: all, election, ...own });
  const isReady = (): boolean => cluster.informers.every((informer) => informer.hasSynced());
  const operations = await serveOperations(
    { isReady, metrics, clock, logger },
    { port: config.metricsPort, chosenBy: "STREAMFLEET_METRICS_PORT" },
  );
  stops.add(() => operations.close());
  stops.add(() => manager.stop());
  await manager.start();
}

async function api(): Promise<void> {
  keepHeapSmall();
  const config = loadConfig(processEnvironment(), "api");
  const own = newProcess(config, process.stdout);
  await untilStopped(async (stops) => {
    const kube = new KubeClient({ config: await loadKubeConfig(config.kubeconfig), clock: own.clock });
    await startApi(own, config, kube, stops);
  });
}

async function startApi(own: Process, config: ServerConfig, kube: KubernetesApi, stops: Stops): Promise<Listener> {
  const { clock, logger, metrics } = own;
  await assertNamespace(kube, config.namespace);
  await assertKinds(kube, ["NodeGroup", "ScalePolicy", "StreamNode"]);
  const { history, database } = postgresHistory(own, config.databaseUrl, stops);
  const keys = await loadKeyRing(kube, config.namespace, { clock, random: randomBytes });
  stops.add(keys.refreshEvery(keyRefreshMs, logger));
  const cluster = openCluster(own, kube);
  const events = eventRecorder(own, kube, stops);
  const reports = new ReportBook();
  const parts = { cluster, keys, reports, history, database, events, servesMetrics: false };
  const nodeApi = await createNodeApi(own, parts);
  stops.add(() => nodeApi.close());
  const manager = new Manager({ sources: cluster.apiInformers, tasks: [], ...own });
  stops.add(() => manager.stop());
  const listener = await nodeApi.listen({ port: config.apiPort, chosenBy: "STREAMFLEET_API_PORT" });
  const isReady = (): boolean => cluster.streamNodeInformer.hasSynced();
  const operations = await serveOperations(
    { isReady, metrics, clock, logger },
    { port: config.metricsPort, chosenBy: "STREAMFLEET_METRICS_PORT" },
  );
  stops.add(() => operations.close());
  await manager.start();
  return listener;
}

async function migrate(): Promise<void> {
  const config = loadConfig(processEnvironment(), "migrate");
  const database = connectPostgres({ url: config.databaseUrl, clusterId: config.clusterId });
  try {
    const applied = await database.migrate("Refuse");
    console.log(applied.length === 0 ? "the database is up to date" : `applied ${applied.join(", ")}`);
  } finally {
    await database.close();
  }
}

// ------------------------------------------------------------------------------------------------ simulate, explain

type SimulateFlags = Omit<SimulateOptions, "apiUrl" | "mediaUrl"> & Partial<Endpoints>;

/**
 * Flags go before the environment, that before what `up` wrote into its folder, and that before what is usual. The folder is
 * the one that is named, else that of KUBECONFIG, where an `up` of the caller may have written both.
 */
function endpointsOf({ apiUrl, mediaUrl }: Partial<Endpoints>, dataDir: string | undefined, config: Config): Endpoints {
  const { kubeconfig } = config;
  const folder = dataDir ?? (kubeconfig === undefined ? usualDataDir : dirname(kubeconfig));
  const written = readEndpoints(dataDirectory(folder).endpoints);
  const told = processEnvironment()["STREAMFLEET_API_URL"] === undefined ? written?.apiUrl : undefined;
  return {
    apiUrl: apiUrl ?? told ?? config.apiUrl,
    mediaUrl: mediaUrl ?? written?.mediaUrl ?? `http://127.0.0.1:${usualMediaPort}`,
  };
}

async function simulate(flags: SimulateFlags): Promise<void> {
  const config = loadConfig(processEnvironment(), "up");
  const { stdout } = process;
  const { runSimulation } = await import("./local/simulation/command.ts");
  await runSimulation(
    { ...flags, ...endpointsOf(flags, flags.dataDir, config) },
    {
      clock: systemClock(),
      random: () => randomInt(2 ** 47) / 2 ** 47,
      fetch: globalThis.fetch,
      terminal: { screen: stdout.isTTY ? stdout : undefined, write: (text) => void stdout.write(text) },
      operatorNamespace: config.namespace,
      client: `simulate-${randomUUID()}`,
      interrupted: untilInterrupted().signal,
    },
  );
}

type ExplainFlags = Omit<ExplainOptions, "apiUrl" | "name"> & { readonly apiUrl?: string };

async function explain(name: string, flags: ExplainFlags): Promise<void> {
  const config = loadConfig(processEnvironment(), "up");
  const { kubeconfig, databaseUrl, clusterId } = config;
  const { apiUrl } = endpointsOf(flags, flags.dataDir, config);
  const { runExplain } = await import("./local/explain-command.ts");
  process.exitCode = await runExplain(
    { ...flags, name, apiUrl },
    {
      clock: systemClock(),
      fetch: globalThis.fetch,
      write: (text) => void process.stdout.write(text),
      remark: (line) => console.error(`\n${line}`),
      operatorNamespace: config.namespace,
      ...(kubeconfig !== undefined && { kubeconfig }),
      clusterId,
      ...(databaseUrl !== undefined && { databaseUrl }),
    },
  );
}

const usualColumns = 80;

async function status(flags: StatusOptions): Promise<void> {
  const { kubeconfig } = loadConfig(processEnvironment(), "up");
  const { runStatus } = await import("./local/status-command.ts");
  const { stdout } = process;
  await runStatus(flags, {
    clock: systemClock(),
    write: (text) => void stdout.write(text),
    columns: stdout.isTTY ? stdout.columns : usualColumns,
    ...(kubeconfig !== undefined && { kubeconfig }),
  });
}

type HistoryFlags = Omit<HistoryOptions, "apiUrl" | "name" | "kind"> & { readonly apiUrl?: string };

async function history(kind: LookedUpKind, name: string | undefined, flags: HistoryFlags): Promise<void> {
  const config = loadConfig(processEnvironment(), "up");
  const { kubeconfig, databaseUrl, clusterId } = config;
  const { apiUrl } = endpointsOf(flags, flags.dataDir, config);
  const { runHistory } = await import("./local/history-command.ts");
  await runHistory(
    { ...flags, kind, apiUrl, ...(name !== undefined && { name }) },
    {
      clock: systemClock(),
      fetch: globalThis.fetch,
      write: (text) => void process.stdout.write(text),
      operatorNamespace: config.namespace,
      ...(kubeconfig !== undefined && { kubeconfig }),
      clusterId,
      ...(databaseUrl !== undefined && { databaseUrl }),
    },
  );
}

// ------------------------------------------------------------------------------------------------ parts

interface SimulatedParts {
  readonly name: PlatformName;
  readonly cloud: Cloud;
  readonly fleet: MediaFleet;
  /** The media nodes on its machines; they run where the reconcilers run. */
  readonly mediaNodes: LeaderTask;
  /** From then on an API on this machine believes that each node calls from its own machine's address. */
  readonly know: (keys: KeyRing) => void;
}

function simulatedCloud(own: Process, directory: string, stops: Stops): SimulatedParts {
  const { clock, logger, random, config, metrics } = own;
  const store = openCloudFile(directory);
  const cloud = new SimulatedCloud({ clock, store });
  const platform = instrumented(new SimulatedPlatform({ cloud, clock }), metrics.platformCalls, () =>
    clock.monotonicMs(),
  );
  const inventory = new MachineInventory({
    platform,
    clock,
    random,
    clusterId: config.clusterId,
    onFailure: (region, error) =>
      logger.error("could not list machines", { region, kind: error.kind, reply: error.message }),
  });
  let keys: KeyRing | undefined;
  const callsFrom = (address: string): Readonly<Record<string, string>> =>
    keys === undefined ? {} : { "X-Forwarded-For": address, [operatorHeader]: signOperatorToken(keys.current) };
  const fleet = new MediaFleet({
    callsFrom,
    cloud,
    clock,
    random,
    fetch: globalThis.fetch,
    logger: logger.child({ part: "media-nodes" }),
  });
  stops.add(() => {
    inventory.stop();
    cloud.close();
    store.close();
  });
  const mediaNodes = { name: "media-nodes", start: () => fleet.start(), stop: () => fleet.stop() };
  const know = (ring: KeyRing): void => void (keys = ring);
  return { name: "simulated", cloud: { platform, inventory }, fleet, mediaNodes, know };
}

function openCluster(own: Process, api: KubernetesApi, missing: ReadonlySet<Kind> = new Set()): InformedCluster {
  const { clock, random, logger, metrics, config } = own;
  const { namespace } = config;
  return informedCluster({ api, clock, random, logger, metrics, namespace, streamNodeIndexers, missing });
}

interface NodeApiParts {
  readonly cluster: InformedCluster;
  readonly keys: KeyRing;
  readonly reports: ReportBook;
  readonly history: BufferedHistory;
  readonly database: HistoryDatabase;
  readonly events: EventRecorder;
  /** Absent: it answers to any. */
  readonly hosts?: readonly string[];
  /** Absent: it does. */
  readonly servesMetrics?: boolean;
}

async function createNodeApi(own: Process, parts: NodeApiParts): Promise<ApiServer> {
  const { createApiServer } = await import("./api/server.ts");
  const { cluster, keys, reports, history, database } = parts;
  const { clock, config, logger, metrics, version } = own;
  if (config.trustBatch)
    logger.error("nodes are believed by their batch alone", { setting: "STREAMFLEET_TRUST_BATCH" });
  return createApiServer({
    nodes: new InformedStreamNodeDirectory(cluster.streamNodeInformer),
    groups: new InformedGroupDirectory({
      nodeGroups: cluster.nodeGroups.cache,
      scalePolicies: cluster.scalePolicies.cache,
    }),
    activities: database.history.activities,
    history: database.history,
    unwritten: () => unwritten({ history, database, clock }),
    diagnose: (error) => database.diagnose(error),
    registrations: cluster.streamNodes.client,
    reports,
    keys,
    clock,
    config: {
      reportIntervalMs: config.reportIntervalMs,
      trustedProxies: config.trustedProxies,
      trustBatch: config.trustBatch,
      ...(parts.hosts === undefined ? {} : { hosts: parts.hosts }),
      ...(parts.servesMetrics === undefined ? {} : { servesMetrics: parts.servesMetrics }),
    },
    events: parts.events,
    logger,
    metrics,
    version,
    onReport: (report, node) => recordReport(history, report, node),
  });
}

interface OperatorParts {
  readonly api: KubernetesApi;
  readonly cluster: InformedCluster;
  readonly simulated?: SimulatedParts;
  readonly keys: KeyRing;
  readonly feed: LoadFeed;
  readonly history: BufferedHistory;
  readonly database: HistoryDatabase;
  readonly leadership: Leadership;
}

/** Add the manager to `stops` after this: what it records at its end is sent as well. */
function operator(own: Process, parts: OperatorParts, stops: Stops): readonly LeaderTask[] {
  const { config } = own;
  const { api: kube, simulated, database, ...rest } = parts;
  const clouds: Clouds = new Map(simulated === undefined ? [] : [[simulated.name, simulated.cloud]]);
  return operatorTasks({
    ...own,
    ...rest,
    clouds,
    stores: database.history,
    unwritten: () => unwritten({ history: parts.history, database, clock: own.clock }, passingOutageMs),
    retentionMs: config.retentionMs,
    bound: { bytes: config.historyMaxBytes, footprint: database.footprint },
    events: eventRecorder(own, kube, stops),
    settings: { clusterId: config.clusterId, apiUrl: config.apiUrl },
    namespace: config.namespace,
    freshMs: keptSilenceFactor * config.reportIntervalMs,
    staleMs: staleIntervals * config.reportIntervalMs,
    trustBatch: config.trustBatch,
  });
}

function eventRecorder(own: Process, api: KubernetesApi, stops: Stops): EventRecorder {
  const events = new EventRecorder({ ...own, api, component: "streamfleet" });
  stops.add(() => events.close());
  return events;
}

/** The server may be down: its schema is brought up to date before the first history is written. */
function postgresHistory(own: Process, url: string, stops: Stops, tell?: BufferParts["tell"]): OpenHistory {
  // What it means for history is told once: an idle pool loses all its connections at the same time.
  const onConnectionError = (error: Error): void => own.logger.debug("lost a database connection", { error });
  const database = connectPostgres({ url, clusterId: own.config.clusterId, onConnectionError });
  stops.add(() => database.close());
  const prepare = (): Promise<unknown> => database.migrate("Tolerate");
  return { database, history: bufferedHistory(own, { database, prepare, ...(tell && { tell }) }, stops) };
}

interface BufferParts {
  readonly database: HistoryDatabase;
  readonly prepare?: () => Promise<unknown>;
  /** Tells people on the terminal, where there are any. */
  readonly tell?: (line: string) => void;
}

function bufferedHistory(own: Process, parts: BufferParts, stops: Stops): BufferedHistory {
  const { database, prepare, tell = () => undefined } = parts;
  const { clock, logger, metrics } = own;
  const history = new BufferedHistory({
    history: database.history,
    clock,
    onOutage: ({ error }) => {
      const reason = database.diagnose(error);
      logger.error("history is not being written", { reason });
      tell(`history is not being written: ${reason}`);
    },
    onRecovery: ({ outageMs, backlog }) => {
      logger.info("all history is written again", { outageSeconds: Math.round(outageMs / 1_000), backlog });
      tell("all history is written again");
    },
    onRefused: ({ kind, entries, error }) =>
      logger.error("the database refused history", { kind, entries, reason: database.diagnose(error) }),
    onFlush: (state) => metrics.history(state),
    ...(prepare !== undefined && { prepare }),
  });
  stops.add(() => history.stop());
  // The database is prepared now, and whatever keeps it from that is told before anything happens.
  void history.flush();
  return history;
}

/** What must be done at the end, in reverse order of what was begun. One that fails does not keep the others from it. */
class Stops {
  readonly #steps: (() => unknown)[] = [];
  #ran = false;

  /** What is begun while, or after, the others end is ended at once. */
  add(step: () => unknown): void {
    if (this.#ran) void this.#end(step);
    else this.#steps.push(step);
  }

  async run(): Promise<void> {
    this.#ran = true;
    for (const step of this.#steps.splice(0).reverse()) await this.#end(step);
  }

  async #end(step: () => unknown): Promise<void> {
    try {
      await step();
    } catch (error) {
      fail(error);
    }
  }
}

/** How long (ms) what was begun has to end, where the process is told to stop before it is up. */
const startEndsMs = 1_500;

/**
 * Starts, and stops at SIGINT or SIGTERM. A start that hangs on a server which does not answer is not waited for: nothing was
 * begun by it that must end well, and who stops us does not wait for long.
 */
async function untilStopped(start: (stops: Stops, interrupted: AbortSignal) => Promise<void>): Promise<void> {
  const interrupted = untilInterrupted();
  const stops = new Stops();
  const starting = start(stops, interrupted.signal);
  try {
    const isUp = await Promise.race([starting.then(() => true), interrupted.promise.then(() => false)]);
    if (isUp) await interrupted.promise;
    else {
      starting.catch(() => undefined);
      await Promise.race([stops.run(), sleep(systemClock(), startEndsMs, new AbortController().signal)]);
      process.exit(0);
    }
  } finally {
    await stops.run();
  }
}

/** Resolves at SIGINT or SIGTERM; the second one ends the process at once. */
function untilInterrupted(): { readonly promise: Promise<void>; readonly signal: AbortSignal } {
  const controllerOfEnd = new AbortController();
  const promise = new Promise<void>((resolve) => {
    const end = (): void => {
      if (controllerOfEnd.signal.aborted) process.exit(130);
      controllerOfEnd.abort();
      resolve();
    };
    process.on("SIGINT", end);
    process.on("SIGTERM", end);
  });
  return { promise, signal: controllerOfEnd.signal };
}

/** Whoever reads what we print may leave early, as `head` does: there is nobody left to print for. */
function endWithReader(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
}

if (import.meta.main) await run(process.argv);
