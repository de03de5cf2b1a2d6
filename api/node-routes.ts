/** The node API: register, report, goodbye. */
import { Router } from "express";
import type { StreamNode } from "../crds/stream-node.ts";
import { directivesOf } from "../domain/node/directive.ts";
import type { NodeReport } from "../domain/load/report.ts";
import type { Clock, LoadFeed } from "../domain/ports.ts";
import type { Logger } from "../runtime/logger.ts";
import { signNodeToken, verifyNodeToken } from "../runtime/node-tokens.ts";
import { type ClientView, isSameAddress } from "./client-address.ts";
import type { GroupDirectory } from "../fleet/group-directory.ts";
import type { CallerResolver } from "./caller-resolver.ts";
import {
  goodbyeRequestSchema,
  type RegisterRequest,
  registerRequestSchema,
  type RegisterResponse,
  type ReportResponse,
} from "./node-schemas.ts";
import type { ParentCache } from "./parent-cache.ts";
import { onlyMethod } from "./problems.ts";
import type { RateLimiter } from "./rate-limit.ts";
import { foreignBoot, type RegistrationWriter } from "./registration-writer.ts";
import type { LatestReports } from "../fleet/latest-reports.ts";
import type { ReportReceiver, TakenReport } from "./report-receiver.ts";
import { readBody } from "./request-body.ts";
import { limit, type TokenGate, type TokenKeys } from "./token-gate.ts";
import { machineText } from "../domain/node/machine.ts";

/** Called with each report that is news, before the node is answered. Must be quick and must not throw. */
export type ReportSink = (report: NodeReport, node: StreamNode) => void;

export interface NodeRoutesDeps {
  readonly gate: TokenGate;
  readonly keys: TokenKeys;
  readonly callers: CallerResolver;
  readonly registrations: RegistrationWriter;
  readonly parents: ParentCache;
  readonly reports: LatestReports;
  readonly groups: GroupDirectory;
  readonly taking: ReportReceiver;
  readonly perNode: RateLimiter;
  readonly perLaunch: RateLimiter;
  readonly perMachine: RateLimiter;
  readonly bucketOf: ClientView["bucketOf"];
  readonly addressOf: ClientView["addressOf"];
  /** Whether a join token alone is to do. */
  readonly trustBatch: boolean;
  readonly clock: Clock;
  readonly reportIntervalMs: number;
  readonly logger: Logger;
  readonly onReport: ReportSink;
}

/** The three routes. Each learns who calls before it reads a body. */
export function nodeRoutes(deps: NodeRoutesDeps): Router {
  const router = Router();
  addRegister(router, deps);
  addReport(router, deps);
  addGoodbye(router, deps);
  return router;
}

function addRegister(router: Router, deps: NodeRoutesDeps): void {
  const { gate, keys, callers, registrations, perLaunch, perMachine, bucketOf, addressOf, trustBatch, logger } = deps;
  const route = router.route("/v1/nodes/register");
  route.post(async (req, res) => {
    const claims = await gate.join(req);
    limit(perLaunch, `${claims.namespace}/${claims.group}/${claims.batch}`);
    const request = await readBody(req, res, registerRequestSchema);
    const node = callers.joining(claims, request);
    // By the address as well: who only claims to be the machine does not keep it out.
    limit(perMachine, `${request.platform}/${request.machineId}/${bucketOf(req)}`);
    const { namespace, name } = node.metadata;
    const former = request.formerToken === undefined ? undefined : verifyNodeToken(keys, request.formerToken);
    if (await registrations.register(node, request, { source: addressOf(req), isSameAddress, former, trustBatch })) {
      logger.info("registered node", { namespace, name, machineId: request.machineId, bootId: request.bootId });
    }
    res.json(registerResponse(deps, node, request));
  });
  route.all(onlyMethod("POST"));
}

function addReport(
  router: Router,
  { gate, callers, reports, onReport, perNode, clock, ...deps }: NodeRoutesDeps,
): void {
  const route = router.route("/v1/nodes/:namespace/:name/report");
  route.post(async (req, res) => {
    const claims = await gate.node(req);
    limit(perNode, machineText(claims.platform, claims.providerId));
    const bearer = callers.bearer(claims, req.params.namespace, req.params.name);
    const { request, losses } = await deps.taking.take(bearer, req, res);
    const node = await callers.registered(bearer, claims, request.bootId);
    const report = toNodeReport(node, { request, losses }, clock);
    const isNews = reports.record(report);
    if (isNews) onReport(report, node);
    const { drain } = (await callers.current(node, request.acknowledged)).spec;
    const answer: ReportResponse = {
      parents: [...deps.parents.parentsFor(node)],
      directives: [...directivesOf(drain)],
      reportIntervalMs: deps.reportIntervalMs,
      ...(!isNews && newestSequence(reports, report)),
      ...edgeIdle(deps.groups, node),
    };
    res.json(answer);
  });
  route.all(onlyMethod("POST"));
}

/** Tells a node whose reports are not taken how far it had counted. */
function newestSequence(
  reports: Pick<LoadFeed, "latest">,
  { uid, bootId }: NodeReport,
): Pick<ReportResponse, "newestSequence"> {
  const newest = reports.latest(uid);
  return newest?.bootId === bootId ? { newestSequence: newest.sequence } : {};
}

function edgeIdle(groups: GroupDirectory, { metadata, spec }: StreamNode): Pick<ReportResponse, "edgeIdleSeconds"> {
  if (spec.role !== "origin") return {};
  const scaleIn = groups.byName(metadata.namespace, spec.group)?.policy?.spec.scaleIn;
  return scaleIn?.edgeSources.includes("Origin") === true ? { edgeIdleSeconds: scaleIn.idleSeconds } : {};
}

function addGoodbye(router: Router, { gate, callers, registrations, perNode, logger }: NodeRoutesDeps): void {
  const route = router.route("/v1/nodes/:namespace/:name/goodbye");
  route.post(async (req, res) => {
    const claims = await gate.node(req);
    limit(perNode, machineText(claims.platform, claims.providerId));
    const { namespace, name } = req.params;
    const node = callers.bearer(claims, namespace, name);
    const { bootId } = await readBody(req, res, goodbyeRequestSchema);
    if (claims.bootId !== bootId) throw foreignBoot();
    if (await registrations.goodbye(node, bootId)) logger.info("took goodbye", { namespace, name, bootId });
    res.status(204).end();
  });
  route.all(onlyMethod("POST"));
}

function registerResponse(
  { keys, parents, reportIntervalMs }: NodeRoutesDeps,
  node: StreamNode,
  { platform, machineId, bootId }: RegisterRequest,
): RegisterResponse {
  const { namespace, name, uid } = node.metadata;
  return {
    namespace,
    name,
    group: node.spec.group,
    role: node.spec.role,
    parents: [...parents.parentsFor(node)],
    token: signNodeToken(keys.current, { platform, providerId: machineId, uid, bootId }),
    connectionCapacity: node.spec.launch.connectionCapacity,
    reportIntervalMs,
  };
}

function toNodeReport(node: StreamNode, { request, losses }: TakenReport, clock: Clock): NodeReport {
  const { uid, namespace, name } = node.metadata;
  const { cpuPercent, memoryPercent, egressMbps, admitted, ...rest } = request;
  return {
    ...rest,
    uid,
    namespace,
    name,
    receivedAt: clock.now(),
    ...(cpuPercent !== undefined && { cpuPercent }),
    ...(memoryPercent !== undefined && { memoryPercent }),
    ...(egressMbps !== undefined && { egressMbps }),
    ...(admitted !== undefined && { admitted }),
    ...(losses.length > 0 && { losses }),
  };
}
