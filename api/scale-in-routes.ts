/** Origins ask for one of their edges to go. */
import { Router } from "express";
import type { StreamNode } from "../crds/stream-node.ts";
import { requestKeptMs, type ScaleInRequest } from "../domain/load/report.ts";
import { pauseAt } from "../domain/group/pause.ts";
import { judgeScaleInRequest, type ScaleInRequestFacts } from "../domain/scaling/scale-in-request.ts";
import type { Clock } from "../domain/ports.ts";
import { childRolesOf, topologyNode } from "../domain/node/topology.ts";
import type { GroupDirectory, KnownGroup } from "../fleet/group-directory.ts";
import type { CallerResolver } from "./caller-resolver.ts";
import { scaleInRequestSchema, type ScaleInResponse } from "./node-schemas.ts";
import { type ParentCache } from "./parent-cache.ts";
import { onlyMethod, Problem } from "./problems.ts";
import type { RateLimiter } from "./rate-limit.ts";
import type { LatestReports } from "../fleet/latest-reports.ts";
import { readBody } from "./request-body.ts";
import type { StreamNodeDirectory } from "../fleet/stream-node-directory.ts";
import { limit, type TokenGate } from "./token-gate.ts";
import { steadied } from "../runtime/steady-clock.ts";
import { machineText } from "../domain/node/machine.ts";

export interface ScaleInRoutesDeps {
  readonly gate: TokenGate;
  readonly callers: CallerResolver;
  readonly nodes: Pick<StreamNodeDirectory, "byName">;
  readonly groups: GroupDirectory;
  readonly parents: ParentCache;
  readonly reports: Pick<LatestReports, "requestScaleIn">;
  readonly perNode: RateLimiter;
  readonly clock: Clock;
}

/** The route. What is accepted here may yet be held: the decision itself looks at the load as well. */
export function scaleInRoutes(deps: ScaleInRoutesDeps): Router {
  const { gate, callers, reports, perNode, clock } = deps;
  const router = Router();
  const route = router.route("/v1/nodegroups/:namespace/:name/scale-in-requests");
  route.post(async (req, res) => {
    const claims = await gate.node(req);
    limit(perNode, machineText(claims.platform, claims.providerId));
    const { namespace, name: group } = req.params;
    const origin = originOf(await callers.holder(claims), namespace, group);
    const { node, reason } = await readBody(req, res, scaleInRequestSchema);
    const edge = node === undefined ? undefined : childOf(deps, origin, node);
    const { region } = (edge ?? origin).spec;
    refuseUnlessPossible(deps, { origin, edge, region });
    const request: ScaleInRequest = {
      ...{ namespace, group, region, origin: origin.metadata.name, receivedAt: clock.now() },
      ...(node !== undefined && { node }),
      ...(reason !== undefined && { reason }),
    };
    reports.requestScaleIn(request);
    const answer: ScaleInResponse = { accepted: true, forgottenAfterSeconds: requestKeptMs / 1_000 };
    res.status(202).json(answer);
  });
  route.all(onlyMethod("POST"));
  return router;
}

/** The caller, if it is an origin of the group that serves. */
function originOf(caller: StreamNode, namespace: string, group: string): StreamNode {
  const { metadata, spec } = caller;
  if (metadata.namespace !== namespace || spec.group !== group) {
    throw new Problem("NotAnOrigin", `${metadata.name} is a node of ${metadata.namespace}/${spec.group}`);
  }
  if (spec.role !== "origin") throw new Problem("NotAnOrigin", `${metadata.name} is of role ${spec.role}`);
  if (childRolesOf(topologyNode(caller)).length > 0) return caller;
  throw new Problem("NotAnOrigin", `${metadata.name} is not in service, or about to go`);
}

/** The named edge, if it is told that the origin is a parent of its. */
function childOf({ nodes, parents }: ScaleInRoutesDeps, { metadata, spec }: StreamNode, name: string): StreamNode {
  const node = nodes.byName(metadata.namespace, name);
  const isEdge = node?.spec.group === spec.group && node.spec.role === "edge";
  if (isEdge && parents.parentsFor(node).some((parent) => parent.name === metadata.name)) return node;
  throw new Problem("NotYourChild", `${name} is no edge that is linked to ${metadata.name}`);
}

interface Asked {
  readonly origin: StreamNode;
  readonly edge: StreamNode | undefined;
  readonly region: string;
}

function refuseUnlessPossible({ groups, clock }: ScaleInRoutesDeps, asked: Asked): void {
  const { namespace } = asked.origin.metadata;
  const known = groups.byName(namespace, asked.origin.spec.group);
  if (known === undefined) {
    throw new Problem("NotReady", "the server has not read the group yet: try again", { retryAfterSeconds: 1 });
  }
  const judgement = judgeScaleInRequest(factsOf(known, asked, clock));
  if (judgement.kind === "Accepted") return;
  throw new Problem("ScaleInRefused", judgement.message, { reason: judgement.reason });
}

function factsOf({ group, policy }: KnownGroup, { edge, region }: Asked, clock: Clock): ScaleInRequestFacts {
  return {
    edgeSources: policy?.spec.scaleIn.edgeSources,
    pause: pauseAt(group.spec.pause, steadied(clock).wall()),
    deleting: group.metadata.deletionTimestamp !== undefined,
    region,
    edges: group.status?.roles?.find((status) => status.role === "edge" && status.region === region),
    ...(edge !== undefined && {
      edge: {
        name: edge.metadata.name,
        phase: edge.status?.phase,
        draining: edge.spec.drain !== undefined,
        deleting: edge.metadata.deletionTimestamp !== undefined,
      },
    }),
  };
}
