/** The settings of the process, from its environment: the only place that reads it. */
import { isIP } from "node:net";
import { z } from "zod";
import { type LogLevel, logLevels } from "./logger.ts";
import { keysOf } from "../domain/keys.ts";

export type CommandName = "up" | "controller" | "api" | "migrate";

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

function port(fallback: number): z.ZodType<number> {
  return wholeNumber(1, 65_535, `write a port from 1 to 65535, for example ${fallback}`).default(fallback);
}

function wholeNumber(min: number, max: number, advice: string): z.ZodCodec<z.ZodString, z.ZodNumber> {
  return z.codec(
    z.string().regex(/^\d{1,9}$/, advice),
    z.number(advice).int(advice).min(min, advice).max(max, advice),
    {
      decode: Number,
      encode: String,
    },
  );
}

const httpAdvice = "write a URL such as http://127.0.0.1:8080";
const feedAdvice = "write URLs separated by commas, such as http://10.0.0.1:8080,http://10.0.0.2:8080";
const proxyAdvice =
  "write the networks of your proxies separated by commas, such as 10.0.0.0/8,fd00::/8; all addresses of a family would let anybody choose his own";
const clusterAdvice = "write 1 to 40 of the characters a-z, 0-9 and -, for example production";
const namespaceAdvice = "write the name of a namespace, for example streamfleet-system";

const variables = z.object({
  DATABASE_URL: z
    .string()
    .refine(isPostgresUrl, "write a URL such as postgresql://user:password@host:5432/streamfleet")
    .optional(),
  KUBECONFIG: z.string().optional(),
  STREAMFLEET_CLUSTER_ID: z
    .string()
    .regex(/^[a-z0-9-]{1,40}$/, clusterAdvice)
    .default("local"),
  STREAMFLEET_NAMESPACE: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, namespaceAdvice)
    .default("streamfleet-system"),
  STREAMFLEET_API_PORT: port(8080),
  STREAMFLEET_METRICS_PORT: port(9090),
  STREAMFLEET_REPORT_INTERVAL_MS: wholeNumber(
    1_000,
    30_000,
    "write milliseconds from 1000 to 30000, for example 5000",
  ).default(5_000),
  STREAMFLEET_API_URL: z.string().refine(isHttpUrl, httpAdvice).optional(),
  STREAMFLEET_FEED_URLS: z
    .string()
    .refine((text) => listed(text).length > 0 && listed(text).every(isHttpUrl), feedAdvice)
    .optional(),
  STREAMFLEET_TRUSTED_PROXIES: z
    .string()
    .refine((text) => listed(text).length > 0 && listed(text).every(isNetwork), proxyAdvice)
    .optional(),
  STREAMFLEET_TRUST_BATCH: z
    .enum(["true", "false"], "write true where the API cannot see from where a node calls, else false")
    .default("false"),
  STREAMFLEET_SIMULATED_CLOUD_DIR: z.string().optional(),
  STREAMFLEET_RETENTION_DAYS: wholeNumber(1, 3_650, "write days from 1 to 3650, for example 30").default(30),
  STREAMFLEET_HISTORY_MAX_MB: wholeNumber(
    10,
    10_000_000,
    "write megabytes from 10 to 10000000, for example 1000",
  ).default(1_000),
  STREAMFLEET_LOG_LEVEL: z.enum(logLevels, `write one of ${logLevels.join(", ")}`).default("info"),
});

type Variable = keyof typeof variables.shape;

/** Who reads a variable, and what it means; what is written there goes into the help of each command. */
const meanings: Readonly<Record<Variable, { readonly readBy: readonly CommandName[]; readonly meaning: string }>> = {
  DATABASE_URL: {
    readBy: ["up", "controller", "api", "migrate"],
    meaning:
      "PostgreSQL, postgresql://user:password@host:5432/database; ?schema= names a schema; `up` embeds one without it",
  },
  KUBECONFIG: {
    readBy: ["controller", "api"],
    meaning: "the cluster; else the Pod's service account, else ~/.kube/config",
  },
  STREAMFLEET_CLUSTER_ID: {
    readBy: ["up", "controller", "api", "migrate"],
    meaning: "which installation owns a machine and a row of history; never change it while machines run",
  },
  STREAMFLEET_NAMESPACE: { readBy: ["up", "controller", "api"], meaning: "the operator's own namespace" },
  STREAMFLEET_API_PORT: { readBy: ["up", "api"], meaning: "node API, look-ups, health" },
  STREAMFLEET_METRICS_PORT: { readBy: ["controller", "api"], meaning: "health and metrics" },
  STREAMFLEET_REPORT_INTERVAL_MS: {
    readBy: ["up", "controller", "api"],
    meaning: "how often nodes report, in milliseconds from 1000 to 30000",
  },
  STREAMFLEET_API_URL: {
    readBy: ["up", "controller"],
    meaning: "where nodes call back; http://127.0.0.1 and the API's port where it is not set",
  },
  STREAMFLEET_FEED_URLS: {
    readBy: ["controller"],
    meaning: "every replica of the API, separated by commas; STREAMFLEET_API_URL where it is not set",
  },
  STREAMFLEET_TRUSTED_PROXIES: {
    readBy: ["up", "api"],
    meaning: "networks of the proxies before the API, such as 10.0.0.0/8, whose X-Forwarded-For is believed",
  },
  STREAMFLEET_TRUST_BATCH: {
    readBy: ["up", "controller", "api"],
    meaning: "true: a node is believed by the join token of its batch alone",
  },
  STREAMFLEET_SIMULATED_CLOUD_DIR: {
    readBy: ["controller"],
    meaning: "folder of the simulated cloud; without it there is no simulated platform",
  },
  STREAMFLEET_RETENTION_DAYS: { readBy: ["up", "controller"], meaning: "days for which history is kept, 1 to 3650" },
  STREAMFLEET_HISTORY_MAX_MB: {
    readBy: ["up", "controller"],
    meaning: "megabytes that history may take, from 10; beyond it the oldest goes",
  },
  STREAMFLEET_LOG_LEVEL: { readBy: ["up", "controller", "api"], meaning: `one of ${logLevels.join(", ")}` },
};

/** A setting as the help of a command shows it. */
export interface Setting {
  readonly name: string;
  readonly meaning: string;
  /** Whether the command does not start without it. */
  readonly required: boolean;
  /** What holds where it is not set; absent: nothing, or what the meaning says. */
  readonly fallback?: string;
}

/** The settings that a command reads. */
export function settingsOf(command: CommandName): readonly Setting[] {
  const names = keysOf(meanings);
  const needed = neededBy(command);
  return names
    .filter((name) => meanings[name].readBy.includes(command))
    .map((name) => {
      const { meaning } = meanings[name];
      const fallback: unknown = variables.shape[name].safeParse(undefined).data;
      const required = needed.includes(name);
      const isShown = !required && (typeof fallback === "string" || typeof fallback === "number");
      return { name, meaning, required, ...(isShown && { fallback: String(fallback) }) };
    });
}

function neededBy(command: CommandName): readonly string[] {
  const needsCluster = command === "controller" || command === "api";
  return [...(command === "up" ? [] : ["DATABASE_URL"]), ...(needsCluster ? ["STREAMFLEET_CLUSTER_ID"] : [])];
}

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
      const other = nearest(name);
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

/** The setting that was probably meant: one of few other letters, or one that has no prefix. Undefined: none is near. */
function nearest(name: string): string | undefined {
  const bare = name.slice(prefix.length);
  if (known.includes(bare)) return bare;
  const ranked = known
    .filter((other) => other.startsWith(prefix))
    .map((other) => ({ other, letters: distance(name, other) }))
    .sort((a, b) => a.letters - b.letters);
  const most = Math.max(2, Math.floor(bare.length / 4));
  return ranked.find(({ letters }) => letters <= most)?.other;
}

/** Levenshtein's distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of Array.from(a).entries()) {
    const next = [i + 1];
    for (const [j, other] of Array.from(b).entries()) {
      const replaced = (row[j] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

function listed(text: string): readonly string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

function isPostgresUrl(text: string): boolean {
  return /^postgres(ql)?:\/\/./.test(text) && URL.canParse(text);
}

function isHttpUrl(text: string): boolean {
  return /^https?:\/\/./.test(text) && URL.canParse(text);
}

/** An address, or a network that is not a whole family of addresses. */
function isNetwork(text: string): boolean {
  const [address = "", prefix, ...rest] = text.split("/");
  const bits = isIP(address) === 6 ? 128 : 32;
  if (isIP(address) === 0 || rest.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) >= 1 && Number(prefix) <= bits);
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, "");
}
