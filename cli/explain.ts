/** `streamfleet explain`: finds the group, and reads its decisions from the API, or else from the database. */
import type { Instant } from "../domain/time.ts";
import type { Clock } from "../domain/ports.ts";
import { connectPostgres } from "../prisma/postgres-database.ts";
import { systemClock } from "../runtime/clock.ts";
import { loadConfig, processEnvironment } from "../runtime/config.ts";
import { type ActivityClient, activityClient, explain, type ExplainRequest } from "./decisions.ts";
import { endpointsOf } from "./endpoints.ts";
import { CommandError, findGroup, openKube, operatorToken } from "./operator-access.ts";
import { ApiUnreachableError, operatorClient } from "./operator-client.ts";

export interface ExplainOptions {
  readonly namespace: string;
  readonly name: string;
  readonly last?: number;
  readonly at?: Instant;
  readonly json: boolean;
  readonly dataDir?: string;
  readonly apiUrl: string;
}

export interface ExplainDeps {
  readonly clock: Clock;
  readonly fetch: typeof globalThis.fetch;
  readonly write: (text: string) => void;
  /** Says what is not part of the answer. */
  readonly remark: (line: string) => void;
  /** The operator's own namespace. */
  readonly operatorNamespace: string;
  /** Kubeconfig files to use where `up` has not run in the folder; absent: none. */
  readonly kubeconfig?: string;
  /** PostgreSQL to read where the API does not answer; absent: none. */
  readonly databaseUrl?: string;
  /** Whose history is read there. */
  readonly clusterId: string;
}

/** Prints the decisions, and says with which exit code to end. Throws `CommandError` and `KubeConfigError`. */
export async function runExplain(options: ExplainOptions, deps: ExplainDeps): Promise<number> {
  const { clock, kubeconfig, operatorNamespace, fetch, write, remark } = deps;
  const { dataDir } = options;
  const address = { ...(dataDir !== undefined && { dataDir }), ...(kubeconfig !== undefined && { kubeconfig }) };
  const kube = await openKube(address, clock);
  try {
    const group = await findGroup(kube, options);
    const token = await operatorToken(kube, { namespace: operatorNamespace, clock });
    const request: ExplainRequest = { ...options, ...(group !== undefined && { group }) };
    const client = operatorClient({ apiUrl: options.apiUrl, token, clock, fetch });
    const { text, remarks, exitCode } = await explainFrom(request, activityClient(client), deps);
    write(`${text}\n`);
    remarks.forEach(remark);
    return exitCode;
  } finally {
    kube.close();
  }
}

type DatabaseAccess = Pick<ExplainDeps, "databaseUrl" | "clusterId">;

async function explainFrom(request: ExplainRequest, api: ActivityClient, { databaseUrl, clusterId }: DatabaseAccess) {
  try {
    return await explain(request, api, () => api.unwritten());
  } catch (error) {
    if (!(error instanceof ApiUnreachableError)) throw error;
    if (databaseUrl === undefined) throw new CommandError(error.message, { cause: error });
    return explainFromDatabase(request, { url: databaseUrl, clusterId }, error);
  }
}

async function explainFromDatabase(
  request: ExplainRequest,
  access: { readonly url: string; readonly clusterId: string },
  { message }: ApiUnreachableError,
) {
  const database = connectPostgres(access);
  try {
    return await explain(request, database.history.activities);
  } catch (cause) {
    throw new CommandError(`${message} Nor does the database of DATABASE_URL: ${database.diagnose(cause)}`, { cause });
  } finally {
    await database.close();
  }
}

/** The command itself, with what it needs of this process. */
export type ExplainFlags = Omit<ExplainOptions, "apiUrl" | "name"> & { readonly apiUrl?: string };

export async function explainCommand(name: string, flags: ExplainFlags): Promise<void> {
  const config = loadConfig(processEnvironment(), "up");
  const { kubeconfig, databaseUrl, clusterId } = config;
  const { apiUrl } = endpointsOf(flags, flags.dataDir, config);
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
