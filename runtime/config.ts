/** The settings of the process, from its environment: the only place that reads it. */
import type { z } from "zod";
import { type LogLevel } from "./logger.ts";
import { clusterAdvice, type CommandName, listed, neededBy, variables } from "./config-variables.ts";
import { nearestName } from "./nearest-name.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** What every command may know. Durations in milliseconds. */
export interface Config {
  /** PostgreSQL, as postgres://… or postgresql://…; absent: embedded. */
  readonly databaseUrl?: string;
  /** Which installation this is; machines carry it as a tag. */
  readonly clusterId: string;
  /** The operator's own namespace: its Lease, its keys, its defaults. */
  readonly namespace: string;
  readonly apiPort: number;
  readonly metricsPort: number;
  /** How often a node reports. */
  readonly reportIntervalMs: number;
  /** Where nodes call back, without a trailing slash. */
  readonly apiUrl: string;
  /** APIs whose load feed the controller subscribes to, without trailing slashes. */
  readonly feedUrls: readonly string[];
  /** Folder of the simulated cloud; absent: no simulated platform in `controller`. */
  readonly simulatedCloudDir?: string;
  /** Networks (CIDR) of the proxies before the API, whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
  /** Whether nodes are believed by the join token of their batch alone. */
  readonly trustBatch: boolean;
  /** How long history is kept. */
  readonly retentionMs: number;
  /** How much room history may take. */
  readonly historyMaxBytes: number;
  readonly logLevel: LogLevel;
  /** Kubeconfig files as in KUBECONFIG; absent: the Pod's service account or `~/.kube/config`. */
  readonly kubeconfig?: string;
}

/** What a command that needs the database knows. */
export interface ServerConfig extends Config {
  readonly databaseUrl: string;
}

/** One line for each variable that is wrong, saying what to write instead. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly isForPeople = true;
  readonly lines: readonly string[];
  constructor(lines: readonly string[]) {
    super(lines.join("\n"));
    this.lines = lines;
  }
}

/** The environment of this process. */
export function processEnvironment(): Environment {
  return process.env;
}

/** Reads and checks the settings of a command. Throws `ConfigError`; unknown `STREAMFLEET_` variables are errors too. */
export function loadConfig(env: Environment, command: "up"): Config;
export function loadConfig(env: Environment, command: "controller" | "api" | "migrate"): ServerConfig;
export function loadConfig(env: Environment, command: CommandName): Config {
  const given = givenVariables(env);
  const lines = [...unknownVariables(given), ...missingVariables(given, command)];
  const parsed = variables.safeParse(given);
  if (!parsed.success) lines.push(...parsed.error.issues.map((issue) => line(issue.path.join("."), issue.message)));
  if (!parsed.success || lines.length > 0) throw new ConfigError(lines);
  return toConfig(parsed.data);
}

const prefix = "STREAMFLEET_";

const dayMs = 86_400_000;

const known = Object.keys(variables.shape);

function toConfig(given: z.output<typeof variables>): Config {
  const apiUrl = withoutSlash(given.STREAMFLEET_API_URL ?? `http://127.0.0.1:${given.STREAMFLEET_API_PORT}`);
  const { DATABASE_URL, KUBECONFIG, STREAMFLEET_SIMULATED_CLOUD_DIR } = given;
  return {
    ...(DATABASE_URL === undefined ? {} : { databaseUrl: DATABASE_URL }),
    ...(KUBECONFIG === undefined ? {} : { kubeconfig: KUBECONFIG }),
    ...(STREAMFLEET_SIMULATED_CLOUD_DIR === undefined ? {} : { simulatedCloudDir: STREAMFLEET_SIMULATED_CLOUD_DIR }),
    clusterId: given.STREAMFLEET_CLUSTER_ID,
    namespace: given.STREAMFLEET_NAMESPACE,
    apiPort: given.STREAMFLEET_API_PORT,
    metricsPort: given.STREAMFLEET_METRICS_PORT,
    reportIntervalMs: given.STREAMFLEET_REPORT_INTERVAL_MS,
    apiUrl,
    feedUrls: listed(given.STREAMFLEET_FEED_URLS ?? apiUrl).map(withoutSlash),
    trustBatch: given.STREAMFLEET_TRUST_BATCH === "true",
    trustedProxies: listed(given.STREAMFLEET_TRUSTED_PROXIES ?? ""),
    historyMaxBytes: given.STREAMFLEET_HISTORY_MAX_MB * 1_000_000,
    retentionMs: given.STREAMFLEET_RETENTION_DAYS * dayMs,
    logLevel: given.STREAMFLEET_LOG_LEVEL,
  };
}

/** The variables that concern us and are not empty. */
function givenVariables(env: Environment): Record<string, string> {
  const entries = Object.entries(env).flatMap(([name, value]): [string, string][] => {
    const ours = name.startsWith(prefix) || known.includes(name);
    return ours && value !== undefined && value.trim() !== "" && !isServiceLink(name, value)
      ? [[name, value.trim()]]
      : [];
  });
  return Object.fromEntries(entries);
}

/**
 * Kubernetes tells a Pod of every Service beside it by variables such as STREAMFLEET_API_PORT=tcp://10.0.0.7:8080 and
 * STREAMFLEET_API_SERVICE_HOST. They are not meant for us.
 */
function isServiceLink(name: string, value: string): boolean {
  return /_SERVICE_(HOST|PORT)(_|$)|_PORT_\d+_(TCP|UDP|SCTP)(_|$)/.test(name) || /^(tcp|udp|sctp):\/\//.test(value);
}

function unknownVariables(given: Environment): readonly string[] {
  return Object.keys(given)
    .filter((name) => !known.includes(name))
    .map((name) => {
      const other = nearestName(name, known, prefix);
      const advice = other === undefined ? "the command's --help names them all" : `did you mean ${other}?`;
      return line(name, `is not a setting; ${advice}`);
    });
}

function missingVariables(given: Environment, command: CommandName): readonly string[] {
  const advice: Readonly<Record<string, string>> = {
    DATABASE_URL: "write a URL such as postgresql://user:password@host:5432/streamfleet",
    STREAMFLEET_CLUSTER_ID: clusterAdvice,
  };
  return neededBy(command)
    .filter((name) => given[name] === undefined)
    .map((name) => line(name, `is needed by ${command}: ${advice[name] ?? ""}`));
}

function line(name: string, text: string): string {
  return text.startsWith("is ") ? `${name} ${text}` : `${name} is not valid: ${text}`;
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, "");
}
