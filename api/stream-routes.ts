/** Look-ups: where to publish a stream, and where to watch it. From memory alone; neither Kubernetes nor the database is asked. */
import { type Request, type Response, Router } from "express";
import type { Role } from "../crds/names.ts";
import type { ServingNode } from "./candidate-index.ts";
import type { ClientBucket } from "./client-address.ts";
import type { GroupDirectory } from "../fleet/group-directory.ts";
import { onlyMethod, parseParameters, Problem } from "./problems.ts";
import type { RateLimiter } from "./rate-limit.ts";
import { connectGraceSeconds } from "./reservations.ts";
import type { SlotAllocator } from "./slot-allocator.ts";
import type { StreamNodeDirectory } from "../fleet/stream-node-directory.ts";
import { type LookUp, type LookUpResponse, lookUpSchema } from "./stream-schemas.ts";
import { limit } from "./token-gate.ts";

export interface StreamRoutesDeps {
  readonly nodes: Pick<StreamNodeDirectory, "ofGroup" | "hasSynced">;
  readonly groups: GroupDirectory;
  readonly slots: SlotAllocator;
  readonly perPlayer: RateLimiter;
  readonly bucketOf: ClientBucket;
}

/**
 * The routes; players have no tokens. Whether anybody publishes the stream is not asked: reports name a stream up to an
 * interval late, and a viewer of a live stream must never be sent away for that.
 */
export function streamRoutes(deps: StreamRoutesDeps): Router {
  const router = Router();
  addLookUp(router, "publish", deps, () => "origin");
  addLookUp(router, "subscribe", deps, (lookUp) => roleForViewers(deps.slots, lookUp));
  return router;
}

function addLookUp(router: Router, verb: string, deps: StreamRoutesDeps, roleFor: (lookUp: LookUp) => Role): void {
  const route = router.route(`/v1/streams/:scope/:name/${verb}`);
  // Express would answer it as it answers GET, and keep a slot for nobody.
  route.head((_req, res) => {
    res.set("Allow", "GET");
    throw new Problem("MethodNotAllowed", "send GET, not HEAD: a look-up keeps a slot for whoever asks");
  });
  route.get((req, res) => answerLookUp(deps, roleFor, req, res));
  route.all(onlyMethod("GET", "GET"));
}

/** What clients of other managers send, and what would be ignored without a word; also as `region[]`. */
const notYetKnown = /^(region|endpoints|transcode)(\[|$)/;

function refuseUnknown(query: Request["query"]): void {
  const errors = Object.keys(query)
    .filter((name) => notYetKnown.test(name))
    .map((field) => ({ field, message: "is not known yet: leave it out" }));
  if (errors.length === 0) return;
  const detail = errors.map(({ field, message }) => `${field} ${message}`).join("; ");
  throw new Problem("InvalidParameters", detail, { errors });
}

/** Without any edge, in service or coming, the origins serve the viewers themselves. */
function roleForViewers(slots: SlotAllocator, { namespace, group }: LookUp): Role {
  return slots.hasNodes({ namespace, group, role: "edge" }) ? "edge" : "origin";
}

function answerLookUp(deps: StreamRoutesDeps, roleFor: (lookUp: LookUp) => Role, req: Request, res: Response): void {
  const { query, params } = req;
  limit(deps.perPlayer, deps.bucketOf(req));
  // Each answer reserves a slot: none may be answered twice.
  res.set("Cache-Control", "no-store");
  refuseUnknown(query);
  const lookUp = parseParameters(lookUpSchema, { ...query, ...params });
  const { namespace, group } = lookUp;
  const answer = deps.slots.reserve({ namespace, group, role: roleFor(lookUp) });
  if (answer.kind === "NoFreeSlot") throw noSlot(deps, lookUp, answer);
  res.json(lookUpResponse(lookUp, answer.name, answer.node));
}

function noSlot(
  { nodes, groups }: StreamRoutesDeps,
  { namespace, group }: LookUp,
  { message, retryAfterMs }: { readonly message: string; readonly retryAfterMs: number },
): Problem {
  if (!nodes.hasSynced()) {
    return new Problem("NotReady", "the server has not read the nodes yet: try again", { retryAfterSeconds: 1 });
  }
  if (groups.byName(namespace, group) === undefined && nodes.ofGroup(namespace, group).length === 0) {
    return new Problem("NoSuchGroup", `there is no NodeGroup ${namespace}/${group}`);
  }
  return new Problem("NoFreeSlot", message, { retryAfterSeconds: retryAfterMs / 1_000 });
}

function lookUpResponse(lookUp: LookUp, node: string, serving: ServingNode): LookUpResponse {
  return { node, ...serving, ...lookUp, reservedSeconds: connectGraceSeconds };
}
