/** `streamfleet up`: everything in one process. */
import { randomBytes, randomUUID } from "node:crypto";
import { join } from "node:path";
import { PortInUseError } from "../api/listener.ts";
import { LatestReports } from "../fleet/latest-reports.ts";
import type { InformedCluster } from "../fleet/cluster.ts";
import type { Leadership } from "../fleet/leadership.ts";
import {
  assertClosed,
  beginFirstStart,
  type DataDirectory,
  dataDirectory,
  endFirstStart,
  nodeKey,
} from "../local/data-directory.ts";
import { writeEndpoints } from "../local/endpoints.ts";
import type { EmbeddedApi } from "../local/kube/embedded-api.ts";
import { openObjectFile } from "../local/kube/object-file.ts";
import { LogFile } from "../local/log-file.ts";
import type { MediaServer, MediaServerOptions } from "../local/media/server.ts";
import { messageColumn, showProgress } from "../local/progress.ts";
import { fitted } from "../local/wrap.ts";
import { acquireDirectoryLock } from "../prisma/directory-lock.ts";
import { type Config, loadConfig, processEnvironment } from "../runtime/config.ts";
import { type KeyRing, loadKeyRing } from "../runtime/key-ring.ts";
import { Manager } from "../runtime/manager.ts";
import { verifyOperatorToken } from "../runtime/node-tokens.ts";
import { usualMediaPort } from "./endpoints.ts";
import { newProcess, type Process } from "./context.ts";
import {
  bufferedHistory,
  createNodeApi,
  eventRecorder,
  keyRefreshMs,
  openCluster,
  type OpenHistory,
  operator,
  postgresHistory,
} from "./parts.ts";
import { simulatedCloud, type SimulatedParts } from "./simulated-parts.ts";
import { type Stops, untilStopped } from "./process.ts";

export interface UpOptions {
  readonly dataDir: string;
  readonly apiPort?: number;
  readonly kubePort: number;
  readonly mediaPort?: number;
  readonly bare?: true;
}

export async function up(options: UpOptions): Promise<void> {
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

async function startAll(settings: UpSettings): Promise<void> {
  const { data, bare, stops, interrupted } = settings;
  const first = beginFirstStart(data);
  const log = new LogFile(data.log, (line) => console.error(`streamfleet: ${line}`));
  const own = newProcess(settings.config, log);
  const seed = nodeKey(data, randomBytes);
  const simulated = simulatedCloud(own, data.cloud, stops);
  const kube = await openEmbeddedApi(own, data, stops);
  say(first ? `setting up ${data.root}: this takes a few seconds` : `opening ${data.root}`);
  const opened = await openHistory(own, data, stops);
  const kubeUrl = await serveKubernetes(own, kube, settings);
  const keys = await loadKeyRing(kube, own.config.namespace, { clock: own.clock, random: randomBytes, seed });
  stops.add(keys.refreshEvery(keyRefreshMs, own.logger));
  const open: OpenParts = {
    ...opened,
    kube,
    keys,
    simulated,
    cluster: openCluster(own, kube),
    reports: new LatestReports(),
  };
  await serveNodes(own, open, settings);
  await servePlayers(own, open, settings);
  await startOperator(own, open, stops);
  const applied = first && !bare;
  if (applied) await applyExample(kube);
  endFirstStart(data);
  void present(own, { data, cluster: open.cluster, kubeUrl, awaitGroups: applied, interrupted });
}

/** What the servers and the operator of the process share. */
interface OpenParts extends OpenHistory {
  readonly kube: EmbeddedApi;
  readonly keys: KeyRing;
  readonly simulated: SimulatedParts;
  readonly cluster: InformedCluster;
  readonly reports: LatestReports;
}

/** Serves the embedded Kubernetes API, says in the data directory how it is reached, and gives its URL. */
async function serveKubernetes(own: Process, api: EmbeddedApi, { data, kubePort, stops }: UpSettings): Promise<string> {
  const { startKubeServer } = await import("../local/kube/http-server.ts");
  const { writeKubeconfig } = await import("../local/kube/kubeconfig.ts");
  const { kubeAccess } = await import("../local/kube/access.ts");
  const access = await kubeAccess(data.kubeAccess, { now: new Date(own.clock.now()), random: randomBytes });
  const onError = (error: unknown): void => own.logger.error("kubernetes api failed", { error });
  const server = await startKubeServer({ api, port: kubePort, access, onError });
  stops.add(() => server.close());
  writeKubeconfig(data.kubeconfig, server.url, access);
  return server.url;
}

async function serveNodes(own: Process, open: OpenParts, { config, stops }: UpSettings): Promise<void> {
  const { cluster, keys, reports, history, database, kube, simulated } = open;
  const events = eventRecorder(own, kube, stops);
  const hosts = [new URL(config.apiUrl).hostname];
  const nodeApi = await createNodeApi(own, { cluster, keys, reports, history, database, events, hosts });
  simulated.know(keys);
  stops.add(() => nodeApi.close());
  await nodeApi.listen({ port: config.apiPort, host: "127.0.0.1", chosenBy: "--api-port" });
}

async function servePlayers(
  { clock, logger }: Process,
  { keys, simulated: { fleet } }: OpenParts,
  { config, data, mediaPort, stops }: UpSettings,
): Promise<void> {
  const verify = (token: string): boolean => verifyOperatorToken(keys, token);
  const players = await listenForPlayers({ fleet, verify, clock, logger }, mediaPort);
  stops.add(() => players.close());
  writeEndpoints(data.endpoints, { apiUrl: `http://127.0.0.1:${config.apiPort}`, mediaUrl: players.url });
}

/** The only one on its data leads always. */
async function startOperator(own: Process, open: OpenParts, stops: Stops): Promise<void> {
  const { kube: api, cluster, simulated, keys, reports: feed, history, database } = open;
  const leadership: Leadership = { isLeader: () => true };
  own.metrics.leading(true);
  const tasks = operator(own, { api, cluster, simulated, keys, feed, history, database, leadership }, stops);
  const manager = new Manager({ sources: cluster.informers, tasks: [...tasks, simulated.mediaNodes], ...own });
  stops.add(() => manager.stop());
  await manager.start();
}

/** Simulations find the port in the data directory, so that another one does as well where nobody has chosen it. */
async function listenForPlayers(
  options: Omit<MediaServerOptions, "port">,
  port: number | undefined,
): Promise<MediaServer> {
  const { startMediaServer } = await import("../local/media/server.ts");
  if (port !== undefined) return startMediaServer({ ...options, port });
  try {
    return await startMediaServer({ ...options, port: usualMediaPort });
  } catch (error) {
    if (!(error instanceof PortInUseError)) throw error;
    return startMediaServer({ ...options, port: 0 });
  }
}

async function applyExample(kube: EmbeddedApi): Promise<void> {
  const { createAll } = await import("../local/manifests.ts");
  await createAll(kube, join(import.meta.dirname, "../examples", "live.yaml"));
}

async function openEmbeddedApi({ config, clock }: Process, data: DataDirectory, stops: Stops): Promise<EmbeddedApi> {
  const { EmbeddedApi } = await import("../local/kube/embedded-api.ts");
  const { ObjectStore } = await import("../local/kube/object-store.ts");
  const { readDefinitions } = await import("../local/manifests.ts");
  const store = new ObjectStore({ persistence: openObjectFile(data.objects) });
  const crds = readDefinitions(join(import.meta.dirname, "../crds"));
  const api = new EmbeddedApi({ crds, store, clock, newUid: randomUUID, namespaces: [config.namespace] });
  stops.add(() => api.close());
  return api;
}

async function openHistory(own: Process, data: DataDirectory, stops: Stops): Promise<OpenHistory> {
  const { databaseUrl } = own.config;
  const tell = say;
  if (databaseUrl !== undefined) return postgresHistory(own, databaseUrl, stops, tell);
  const { openEmbeddedDatabase } = await import("../prisma/embedded-database.ts");
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
