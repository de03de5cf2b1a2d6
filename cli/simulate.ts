/** `streamfleet simulate`: a trace against a running `up`, shown while it runs, with a summary and a picture at the end. */
import { randomInt, randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { readDefaults } from "../crds/defaults.ts";
import { defaultsConfigMapName, labels, resourceType } from "../crds/names.ts";
import { type NodeGroup, nodeGroupSchema } from "../crds/node-group.ts";
import { scalePolicySchema } from "../crds/scale-policy.ts";
import { streamNodeSchema } from "../crds/stream-node.ts";
import { type AlarmDefinition, alarmsOf } from "../domain/alarm/alarm-definitions.ts";
import type { Clock } from "../domain/ports.ts";
import type { Endpoints } from "../local/endpoints.ts";
import { type FleetView, fleetView } from "../local/simulation/fleet-view.ts";
import { lookUpClient, mediaClient } from "../local/simulation/http-ports.ts";
import { LiveView, type Terminal } from "../local/simulation/live-view.ts";
import { plot } from "../local/simulation/plot.ts";
import type { MediaDoor } from "../local/simulation/session-ports.ts";
import { simulate, type SimulationResult } from "../local/simulation/simulation.ts";
import { summarize, summaryText } from "../local/simulation/summary.ts";
import { csvTrace, namedTrace, type Trace, TraceError, traceNames } from "../local/simulation/trace.ts";
import { systemClock } from "../runtime/clock.ts";
import { loadConfig, processEnvironment } from "../runtime/config.ts";
import { startDeadline } from "../runtime/deadline.ts";
import { Informer } from "../runtime/informer.ts";
import { ApiError, type KubernetesApi, type ObjectAddress, type ResourceType } from "../runtime/kubernetes-api.ts";
import { silentLogger } from "../runtime/logger.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { messageOf } from "../runtime/thrown.ts";
import { CommandError, openKube, operatorToken, readGroup, unanswered } from "./operator-access.ts";
import { endpointsOf } from "./endpoints.ts";
import { untilInterrupted } from "./process.ts";

export interface SimulateOptions {
  /** One of `traceNames`, or the path of a CSV file. */
  readonly trace: string;
  readonly viewers: number;
  readonly publishers: number;
  readonly speed: number;
  /** How long (s) a viewer watches on average; 0: as long as the trace lets it. */
  readonly stay: number;
  /** How long to run, in real time. Absent: as long as the trace. */
  readonly minutes?: number;
  readonly namespace: string;
  readonly group: string;
  readonly dataDir?: string;
  /** Where the picture goes. */
  readonly out: string;
  readonly apiUrl: string;
  readonly mediaUrl: string;
  readonly keep: boolean;
}

export interface SimulateDeps {
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly fetch: typeof globalThis.fetch;
  readonly terminal: Terminal;
  /** The operator's own namespace. */
  readonly operatorNamespace: string;
  /** Names this simulation among others. */
  readonly client: string;
  /** Ends the trace; the summary follows all the same. */
  readonly interrupted: AbortSignal;
}

/** Runs to the end, and tells how it went. Throws `CommandError`, `TraceError` and `KubeConfigError`. */
export async function runSimulation(options: SimulateOptions, deps: SimulateDeps): Promise<void> {
  const trace = loadTrace(options);
  await using fleet = await openFleet(options, deps);
  writePicture(options, undefined);
  const live = new LiveView(deps.terminal);
  const durationSeconds = options.minutes === undefined ? trace.durationSeconds / options.speed : options.minutes * 60;
  const { clock, random, client } = deps;
  const { speed, keep, stay } = options;
  const result = await simulate(
    {
      ...{ clock, random, client, trace, durationSeconds, speed, keep },
      ...(stay > 0 && { staySeconds: stay }),
      lookUp: lookUpClient({ ...options, ...deps, token: fleet.token }),
      ...{ media: fleet.media, view: fleet.view, alarms: fleet.alarms },
      onScene: (scene) => live.show(scene),
    },
    deps.interrupted,
  );
  live.end();
  writePicture(options, result);
  deps.terminal.write(`${summaryText(summarize(result.samples, result.counts, result.tally))}\n`);
  deps.terminal.write(`${"picture".padEnd(16)}${options.out}\n`);
  if (result.failure !== undefined) throw new CommandError(`the media server was lost: ${result.failure}`);
}

function loadTrace({ trace, viewers, publishers }: SimulateOptions): Trace {
  const named = traceNames.find((name) => name === trace);
  if (named !== undefined) return namedTrace(named, { viewers, publishers });
  try {
    return csvTrace(readFileSync(trace, "utf8"), { file: trace, publishers });
  } catch (cause) {
    if (cause instanceof TraceError) throw cause;
    const known = traceNames.join(", ");
    throw new TraceError(`cannot read the trace ${trace}: name a CSV file, or one of ${known} (${messageOf(cause)})`, {
      cause,
    });
  }
}

/** At the beginning without a result, so that a folder that cannot be written to is known before the trace is over. */
function writePicture(options: SimulateOptions, result: SimulationResult | undefined): void {
  const { out } = options;
  const { samples = [], counts } = result ?? {};
  const { rejected = 0, arrivals = 0, cut = 0, lost = 0 } = counts ?? {};
  const subtitle = `${arrivals} viewers came, ${rejected} were rejected; ${cut} sessions cut, ${lost} lost otherwise`;
  try {
    writeFileSync(out, plot(samples, { title: titleOf(options), subtitle }));
  } catch (cause) {
    throw new CommandError(`cannot write the picture ${out}: ${messageOf(cause)}; name another file with --out`, {
      cause,
    });
  }
}

/** The command that gives such a picture again. */
function titleOf({ trace, viewers, publishers, speed, stay }: SimulateOptions): string {
  const flags = { trace, viewers, publishers, speed, stay };
  return ["streamfleet simulate", ...Object.entries(flags).map(([name, value]) => `--${name} ${value}`)].join(" ");
}

interface OpenFleet extends AsyncDisposable {
  readonly media: MediaDoor;
  readonly token: string;
  readonly alarms: readonly AlarmDefinition[];
  readonly view: () => FleetView;
}

/** Makes sure that everything answers, and follows the fleet's objects from here on. */
async function openFleet(options: SimulateOptions, deps: SimulateDeps): Promise<OpenFleet> {
  const { clock, operatorNamespace } = deps;
  const kube = await openKube(options, clock);
  try {
    const group = await readGroup(kube, { namespace: options.namespace, name: options.group });
    const token = await operatorToken(kube, { namespace: operatorNamespace, clock });
    const media = mediaClient({ ...options, ...deps, token });
    await assertAnswers(options, deps, media);
    const alarms = await readAlarms(kube, group, operatorNamespace);
    const objects = await followObjects(kube, options, deps);
    const close = async (): Promise<void> => {
      await objects.stop();
      kube.close();
    };
    return { media, token, alarms, view: objects.view, [Symbol.asyncDispose]: close };
  } catch (error) {
    kube.close();
    throw error;
  }
}

const longestProbeMs = 10_000;

async function assertAnswers(
  { apiUrl, mediaUrl }: SimulateOptions,
  { clock, fetch }: SimulateDeps,
  media: MediaDoor,
): Promise<void> {
  const deadline = startDeadline(clock, longestProbeMs, "asking the API");
  try {
    // A Kubernetes API has its health there too, but does not describe ours.
    const response = await fetch(`${apiUrl}/openapi.json`, { signal: deadline.signal });
    if (!response.ok) throw new Error(`status ${response.status}`);
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new CommandError(`${unanswered(`the API at ${apiUrl}`, cause).message} Name its address with --api-url`, {
      cause,
    });
  } finally {
    deadline.clear();
  }
  const answer = await media({ connect: [], disconnect: [] });
  if (answer.kind === "Answered") return;
  const where = `the media server at ${mediaUrl}`;
  throw new CommandError(`${unanswered(where, answer.reason).message} Name its address with --media-url`);
}

const configMapType: ResourceType = {
  group: "",
  version: "v1",
  kind: "ConfigMap",
  plural: "configmaps",
  namespaced: true,
};

/** The alarms that hold for the group as it is now. */
async function readAlarms(kube: KubernetesApi, group: NodeGroup, operatorNamespace: string) {
  const { namespace } = group.metadata;
  const policy = await readIfAny(kube, resourceType("ScalePolicy"), {
    namespace,
    name: group.spec.scalePolicyRef.name,
  });
  if (policy === undefined) return [];
  const defaults = await readIfAny(kube, configMapType, { namespace: operatorNamespace, name: defaultsConfigMapName });
  const data = defaults?.["data"] as Readonly<Record<string, string>> | undefined;
  return alarmsOf(scalePolicySchema.parse(policy).spec, readDefaults(data));
}

async function readIfAny(kube: KubernetesApi, type: ResourceType, address: ObjectAddress) {
  try {
    return await kube.get(type, address);
  } catch (error) {
    if (error instanceof ApiError && error.code === 404) return undefined;
    throw error;
  }
}

async function followObjects(api: KubernetesApi, { namespace, group }: SimulateOptions, deps: SimulateDeps) {
  const { clock, random } = deps;
  const base = { api, clock, random, logger: silentLogger, metrics: createMetrics(), namespace };
  const groups = new Informer({
    ...base,
    type: resourceType("NodeGroup"),
    fieldSelector: `metadata.name=${group}`,
    parse: (raw) => nodeGroupSchema.parse(raw),
  });
  const nodes = new Informer({
    ...base,
    type: resourceType("StreamNode"),
    labelSelector: `${labels.group}=${group}`,
    parse: (raw) => streamNodeSchema.parse(raw),
  });
  groups.start();
  nodes.start();
  await Promise.all([groups.whenSynced(), nodes.whenSynced()]);
  const stop = async (): Promise<void> => {
    await Promise.all([groups.stop(), nodes.stop()]);
  };
  return { stop, view: (): FleetView => fleetView(groups.list()[0], nodes.list()) };
}

/** The command itself, with what it needs of this process. */
export type SimulateFlags = Omit<SimulateOptions, "apiUrl" | "mediaUrl"> & Partial<Endpoints>;

export async function simulateCommand(flags: SimulateFlags): Promise<void> {
  const config = loadConfig(processEnvironment(), "up");
  const { stdout } = process;
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
