/** The variables by which a process is set: what each may be, who reads it, and what it means. */
import { isIP } from "node:net";
import { z } from "zod";
import { logLevels } from "./logger.ts";
import { keysOf } from "../domain/keys.ts";

export type CommandName = "up" | "controller" | "api" | "migrate";

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
export const clusterAdvice = "write 1 to 40 of the characters a-z, 0-9 and -, for example production";
const namespaceAdvice = "write the name of a namespace, for example streamfleet-system";

export const variables = z.object({
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

export function neededBy(command: CommandName): readonly string[] {
  const needsCluster = command === "controller" || command === "api";
  return [...(command === "up" ? [] : ["DATABASE_URL"]), ...(needsCluster ? ["STREAMFLEET_CLUSTER_ID"] : [])];
}

export function listed(text: string): readonly string[] {
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
