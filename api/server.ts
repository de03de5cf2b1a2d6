/** The API of one process: its routes put together, and the socket they are served on. */
import type { Express, RequestHandler } from "express";
import express from "express";
import type { HistoryOutage } from "../domain/history.ts";
import type { ActivityStore, Clock } from "../domain/ports.ts";
import type { EventRecorder } from "../runtime/events.ts";
import type { Logger } from "../runtime/logger.ts";
import { verifyOperatorToken } from "../runtime/node-tokens.ts";
import { isOwnHost, usualConnections } from "../runtime/server-limits.ts";
import { steadied, type SteadyClock } from "../runtime/steady-clock.ts";
import { activityRoutes } from "./activity-routes.ts";
import { historyRoutes, type LookedUpHistory } from "./history-routes.ts";
import { clientView } from "./client-address.ts";
import { CandidateIndex } from "./candidate-index.ts";
import { feedRoutes } from "./feed-routes.ts";
import type { GroupDirectory } from "../fleet/group-directory.ts";
import { listen, type Listener, type ListenOptions } from "./listener.ts";
import { nodeRoutes, type ReportSink } from "./node-routes.ts";
import { MetricsPage, type MetricsSource } from "./metrics-page.ts";
import { CallerResolver } from "./caller-resolver.ts";
import { operationsRoutes } from "./operations-routes.ts";
import { ParentCache } from "./parent-cache.ts";
import { Problem, problemHandler, unknownRoute } from "./problems.ts";
import { type RateLimit, RateLimiter } from "./rate-limit.ts";
import { RegistrationWriter, type StreamNodeWriter } from "./registration-writer.ts";
import type { LatestReports } from "../fleet/latest-reports.ts";
import { ReportReceiver, type ReportMetrics } from "./report-receiver.ts";
import { requestLog, type RequestLogDeps } from "./request-log.ts";
import { scaleInRoutes } from "./scale-in-routes.ts";
import { SlotAllocator } from "./slot-allocator.ts";
import type { StreamNodeDirectory } from "../fleet/stream-node-directory.ts";
import { streamRoutes } from "./stream-routes.ts";
import { TokenGate, type TokenKeys } from "./token-gate.ts";

export interface RateLimits {
  /** Reports and goodbyes of one node; its scale-in requests apart, by the same measure. */
  readonly perNode: RateLimit;
  /** Registrations of the machines of one batch, which their token proves. */
  readonly perLaunch: RateLimit;
  /** Registrations of one machine from one address, once it has a StreamNode: each may be a write. */
  readonly perMachine: RateLimit;
  /** Look-ups from one address; thousands of players may share it behind a gateway. */
  readonly perPlayer: RateLimit;
  /** Requests without a valid token from one address. */
  readonly strangers: RateLimit;
}

/** Generous to fleets behind one address, tight for those who guess. */
export const defaultRateLimits: RateLimits = {
  perNode: { perSecond: 5, burst: 30 },
  perLaunch: { perSecond: 50, burst: 500 },
  perMachine: { perSecond: 0.2, burst: 10 },
  perPlayer: { perSecond: 500, burst: 5_000 },
  strangers: { perSecond: 20, burst: 200 },
};

export interface ApiServerDeps {
  readonly nodes: StreamNodeDirectory;
  /** An `InformedGroupDirectory`. */
  readonly groups: GroupDirectory;
  /** Of the history. */
  readonly activities: Pick<ActivityStore, "last">;
  /** What was, for operators who look it up. */
  readonly history: LookedUpHistory;
  /** Why history is not being written; undefined: it is. Absent: nobody knows. */
  readonly unwritten?: () => HistoryOutage | undefined;
  /** What a failure of the database means, in one line; absent: nobody knows. */
  readonly diagnose?: (error: unknown) => string;
  /** A `ResourceClient<StreamNode>`. */
  readonly registrations: StreamNodeWriter;
  readonly reports: LatestReports;
  /** A `KeyRing`. */
  readonly keys: TokenKeys;
  readonly clock: Clock;
  readonly config: {
    /** What nodes are told; 1,000 to 30,000. */
    readonly reportIntervalMs: number;
    readonly rateLimits?: RateLimits;
    /** Networks (CIDR) of proxies that say from where a request comes; absent: nobody is believed. */
    readonly trustedProxies?: readonly string[];
    /** Whether a join token alone is to do where the API cannot see from where a node calls; absent: not. */
    readonly trustBatch?: boolean;
    /** Whether metrics are served on this port; absent: they are. */
    readonly servesMetrics?: boolean;
    /** Hosts by which the API is called beside those of this machine; absent: it answers to any. */
    readonly hosts?: readonly string[];
  };
  readonly logger: Logger;
  /** A `Metrics`. */
  readonly metrics: MetricsSource & RequestLogDeps["metrics"] & ReportMetrics;
  /** Version of the product, for `/openapi.json`. */
  readonly version: string;
  readonly onReport?: ReportSink;
  /** Told of registrations that are refused; absent: nobody is. */
  readonly events?: Pick<EventRecorder, "record">;
}

export interface ApiServer {
  readonly app: Express;
  /** Throws `PortInUseError`. */
  listen(options: ListenOptions): Promise<Listener>;
  /** Ends the feeds, lets requests under way finish, and frees the port. */
  close(): Promise<void>;
}

/** Puts the API together. It forgets the reports of nodes that are deleted, for as long as it is not closed. */
export function createApiServer(deps: ApiServerDeps): ApiServer {
  const stopping = new AbortController();
  const stopForgetting = deps.nodes.onDeleted(({ metadata }) => deps.reports.forget(metadata.uid));
  const candidates = new CandidateIndex(deps.nodes, deps.reports);
  const app = createApp(deps, candidates, stopping.signal);
  const listeners: Listener[] = [];
  return {
    app,
    listen: async (options) => {
      const { trustedProxies = [] } = deps.config;
      const connections = { ...usualConnections, proxies: trustedProxies };
      const listener = await listen(app, deps.clock, { connections, ...options });
      listeners.push(listener);
      return listener;
    },
    close: async () => {
      stopForgetting();
      candidates.close();
      stopping.abort();
      await Promise.all(listeners.map((listener) => listener.close()));
    },
  };
}

function createApp(deps: ApiServerDeps, candidates: CandidateIndex, stopping: AbortSignal): Express {
  const { nodes, logger, metrics, version, config } = deps;
  const clock = steadied(deps.clock);
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  const parts = routeParts(app, deps, clock);
  app.use(requestLog({ clock, logger, metrics }));
  if (config.hosts !== undefined) app.use(onlyFor(new Set(config.hosts)));
  app.use(withoutNul);
  app.use(...nodeCalls(deps, parts));
  app.use(lookUps(deps, parts, candidates));
  app.use(...operatorCalls(deps, parts));
  app.use(feedRoutes({ ...deps, ...parts, stopping }));
  const page = config.servesMetrics === false ? {} : { metrics: new MetricsPage(metrics, clock) };
  app.use(operationsRoutes({ isReady: () => nodes.hasSynced(), ...page, version }));
  app.use(unknownRoute);
  app.use(problemHandler(logger));
  return app;
}

/** What several routes share. */
function routeParts(app: Express, { nodes, registrations, keys, config, events }: ApiServerDeps, clock: SteadyClock) {
  const { trustedProxies = [], rateLimits: limits = defaultRateLimits } = config;
  const isOperator = (token: string): boolean => verifyOperatorToken(keys, token);
  const limiter = (limit: RateLimit): RateLimiter => new RateLimiter(limit, () => clock.monotonicMs());
  const { bucketOf, addressOf } = clientView(app, { trustedProxies, isOperator });
  const writer = new RegistrationWriter(registrations, clock, events ?? { record: () => undefined });
  return {
    ...{ clock, limits, limiter, bucketOf, addressOf },
    gate: new TokenGate(keys, limiter(limits.strangers), bucketOf),
    registrations: writer,
    callers: new CallerResolver(nodes, writer),
    parents: new ParentCache(nodes),
  };
}

type RouteParts = ReturnType<typeof routeParts>;

/** What nodes call: registration, reports, goodbyes, and origins their scale-in requests. */
function nodeCalls(deps: ApiServerDeps, parts: RouteParts): readonly RequestHandler[] {
  const { nodes, groups, reports, keys, config, logger, metrics, onReport = () => undefined } = deps;
  const { clock, limits, limiter } = parts;
  const { reportIntervalMs, trustBatch = false } = config;
  const calls = nodeRoutes({
    ...parts,
    ...{ keys, reports, groups, logger, trustBatch, reportIntervalMs, onReport },
    taking: new ReportReceiver({ nodes, reports, clock, logger, metrics }),
    perNode: limiter(limits.perNode),
    perLaunch: limiter(limits.perLaunch),
    perMachine: limiter(limits.perMachine),
  });
  return [calls, scaleInRoutes({ ...parts, nodes, groups, reports, perNode: limiter(limits.perNode) })];
}

function lookUps(
  { nodes, groups, config }: ApiServerDeps,
  parts: RouteParts,
  candidates: CandidateIndex,
): RequestHandler {
  const { clock, limits, limiter, bucketOf } = parts;
  const slots = new SlotAllocator({ candidates, clock, reportIntervalMs: config.reportIntervalMs });
  return streamRoutes({ nodes, groups, slots, perPlayer: limiter(limits.perPlayer), bucketOf });
}

/** What people look up: decisions, and what was. */
function operatorCalls(deps: ApiServerDeps, { gate, clock }: RouteParts): readonly RequestHandler[] {
  const { activities, history, diagnose = () => "try again", unwritten = () => undefined } = deps;
  const slow = { clock, diagnose };
  return [activityRoutes({ gate, activities, unwritten, slow }), historyRoutes({ gate, history, slow })];
}

/** Neither PostgreSQL nor anybody else takes NUL in a text. */
const withoutNul: RequestHandler = (req, _res, next) => {
  if (!/%00/.test(req.url)) next();
  else throw new Problem("BadRequest", "the path or the query has a NUL character (%00): leave it out");
};

/** A page in a browser must not reach this server by a name that it made point here. */
function onlyFor(hosts: ReadonlySet<string>): RequestHandler {
  return (req, _res, next) => {
    if (isOwnHost(req.headers.host, hosts)) next();
    else
      throw new Problem(
        "ForeignHost",
        `the host ${JSON.stringify(req.headers.host ?? "")} is not served here: use 127.0.0.1`,
      );
  };
}
