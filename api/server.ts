/** The API of one process: its routes put together, and the socket they are served on. */
import type { Express, RequestHandler } from "express";
import express from "express";
import type { HistoryOutage } from "../domain/history.ts";
import type { ActivityStore, Clock } from "../domain/ports.ts";
import type { EventRecorder } from "../runtime/events.ts";
import type { Logger } from "../runtime/logger.ts";
import { verifyOperatorToken } from "../runtime/node-tokens.ts";
import { isOwnHost, usualConnections } from "../runtime/server-limits.ts";
import { steadied } from "../runtime/steady-clock.ts";
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
  const { nodes, groups, activities, reports, keys, config, logger, metrics, version } = deps;
  const clock = steadied(deps.clock);
  const limits = config.rateLimits ?? defaultRateLimits;
  const limiter = (limit: RateLimit) => new RateLimiter(limit, () => clock.monotonicMs());
  const app = express();
  const { trustedProxies = [] } = config;
  const { bucketOf, addressOf } = clientView(app, {
    trustedProxies,
    isOperator: (token) => verifyOperatorToken(keys, token),
  });
  const gate = new TokenGate(keys, limiter(limits.strangers), bucketOf);
  const registrations = new RegistrationWriter(deps.registrations, clock, deps.events ?? { record: () => undefined });
  const callers = new CallerResolver(nodes, registrations);
  const parents = new ParentCache(nodes);
  const { reportIntervalMs } = config;
  const slots = new SlotAllocator({ candidates, clock, reportIntervalMs });
  app.disable("x-powered-by");
  app.disable("etag");
  app.use(requestLog({ clock, logger, metrics }));
  if (config.hosts !== undefined) app.use(onlyFor(new Set(config.hosts)));
  app.use(withoutNul);
  app.use(
    nodeRoutes({
      gate,
      keys,
      registrations,
      reports,
      groups,
      taking: new ReportReceiver({ nodes, reports, clock, logger, metrics }),
      clock,
      logger,
      callers,
      parents,
      perNode: limiter(limits.perNode),
      perLaunch: limiter(limits.perLaunch),
      perMachine: limiter(limits.perMachine),
      bucketOf,
      addressOf,
      trustBatch: config.trustBatch ?? false,
      reportIntervalMs,
      onReport: deps.onReport ?? (() => undefined),
    }),
  );
  const slow = { clock, diagnose: deps.diagnose ?? (() => "try again") };
  const perAsker = limiter(limits.perNode);
  app.use(scaleInRoutes({ gate, callers, nodes, groups, parents, reports, perNode: perAsker, clock }));
  app.use(streamRoutes({ nodes, groups, slots, perPlayer: limiter(limits.perPlayer), bucketOf }));
  app.use(activityRoutes({ gate, activities, unwritten: deps.unwritten ?? (() => undefined), slow }));
  app.use(historyRoutes({ gate, history: deps.history, slow }));
  app.use(feedRoutes({ gate, reports, clock, stopping }));
  const page = config.servesMetrics === false ? {} : { metrics: new MetricsPage(metrics, clock) };
  app.use(operationsRoutes({ isReady: () => nodes.hasSynced(), ...page, version }));
  app.use(unknownRoute);
  app.use(problemHandler(logger));
  return app;
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
