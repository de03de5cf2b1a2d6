/** `streamfleet history`: reads what was from the API, or else from the database. */
import { historyPath, lookUp } from "../api/history-routes.ts";
import { type HistoryRow, historySchema, type LookedUpKind } from "../api/history-schemas.ts";
import { addMs, type Instant, instant, toRfc3339 } from "../domain/time.ts";
import type { Clock } from "../domain/ports.ts";
import { connectPostgres } from "../prisma/postgres-database.ts";
import { systemClock } from "../runtime/clock.ts";
import { loadConfig, processEnvironment } from "../runtime/config.ts";
import { endpointsOf } from "./endpoints.ts";
import { historyTable } from "./history-table.ts";
import { CommandError, onlyGroup, openKube, operatorToken } from "./operator-access.ts";
import { ApiUnreachableError, type OperatorClient, operatorClient } from "./operator-client.ts";

export interface HistoryOptions {
  readonly kind: LookedUpKind;
  readonly namespace: string;
  /** Name of the NodeGroup, which may be gone. Absent: the only one of the namespace. */
  readonly name?: string;
  readonly from?: Instant;
  readonly to?: Instant;
  /** Most rows. */
  readonly last: number;
  readonly json: boolean;
  readonly dataDir?: string;
  readonly apiUrl: string;
}

export interface HistoryDeps {
  readonly clock: Clock;
  readonly fetch: typeof globalThis.fetch;
  readonly write: (text: string) => void;
  /** The operator's own namespace. */
  readonly operatorNamespace: string;
  readonly kubeconfig?: string;
  /** PostgreSQL to read where the API does not answer; absent: none. */
  readonly databaseUrl?: string;
  readonly clusterId: string;
}

/** Prints the rows. Throws `CommandError` and `KubeConfigError`. */
export async function runHistory(options: HistoryOptions, deps: HistoryDeps): Promise<void> {
  const { clock, kubeconfig, operatorNamespace, fetch, write } = deps;
  const { dataDir, apiUrl } = options;
  const address = { ...(dataDir !== undefined && { dataDir }), ...(kubeconfig !== undefined && { kubeconfig }) };
  const kube = await openKube(address, clock);
  try {
    const token = await operatorToken(kube, { namespace: operatorNamespace, clock });
    const named = { ...options, name: options.name ?? (await onlyGroup(kube, options)) };
    const rows = await rowsOf(named, operatorClient({ apiUrl, token, clock, fetch }), deps);
    write(`${textOf(named, rows)}\n`);
  } finally {
    kube.close();
  }
}

type NamedOptions = HistoryOptions & { readonly name: string };

function textOf<K extends LookedUpKind>({ kind, json, name, namespace }: NamedOptions, rows: readonly HistoryRow<K>[]) {
  if (json) return JSON.stringify(rows, undefined, 2);
  if (rows.length === 0)
    return `nothing is kept of the ${kind} of NodeGroup ${name} in namespace ${namespace} for that time`;
  return historyTable(kind as K, rows);
}

async function rowsOf(options: NamedOptions, api: OperatorClient, deps: HistoryDeps) {
  try {
    return await rowsByApi(options, api);
  } catch (error) {
    if (!(error instanceof ApiUnreachableError)) throw error;
    const { databaseUrl: url, clusterId, clock } = deps;
    if (url === undefined) throw new CommandError(error.message, { cause: error });
    return rowsByDatabase(options, { url, clusterId, now: clock.now() }, error);
  }
}

async function rowsByApi<K extends LookedUpKind>(
  { kind, namespace, name, from, to, last }: NamedOptions,
  api: OperatorClient,
): Promise<readonly HistoryRow<K>[]> {
  const path = historyPath(encodeURIComponent(namespace), encodeURIComponent(name), kind);
  const query = {
    limit: String(last),
    ...(from !== undefined && { from: toRfc3339(from) }),
    ...(to !== undefined && { to: toRfc3339(to) }),
  };
  return historySchema(kind as K).parse(await api.get(path, query)).rows;
}

async function rowsByDatabase(
  { kind, namespace, name: group, from, to, last: limit }: NamedOptions,
  { url, clusterId, now }: { readonly url: string; readonly clusterId: string; readonly now: Instant },
  { message }: ApiUnreachableError,
) {
  const database = connectPostgres({ url, clusterId });
  const span = { namespace, group, limit, from: from ?? instant(0), to: to ?? addMs(now, 1) };
  try {
    return await lookUp[kind](database.history, span);
  } catch (cause) {
    throw new CommandError(`${message} Nor does the database of DATABASE_URL: ${database.diagnose(cause)}`, { cause });
  } finally {
    await database.close();
  }
}

/** The command itself, with what it needs of this process. */
export type HistoryFlags = Omit<HistoryOptions, "apiUrl" | "name" | "kind"> & { readonly apiUrl?: string };

export async function historyCommand(kind: LookedUpKind, name: string | undefined, flags: HistoryFlags): Promise<void> {
  const config = loadConfig(processEnvironment(), "up");
  const { kubeconfig, databaseUrl, clusterId } = config;
  const { apiUrl } = endpointsOf(flags, flags.dataDir, config);
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
