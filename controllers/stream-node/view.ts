/** What a StreamNode's next step depends on, from the objects, the cloud and the load feed. */
import type { NodeGroup } from "../../crds/node-group.ts";
import type { StreamNode } from "../../crds/stream-node.ts";
import type { Standing } from "../../domain/node/claim.ts";
import { isTrue } from "../../domain/conditions.ts";
import { type DrainProgress, drainProgress } from "../../domain/node/drain.ts";
import type { Sighting } from "../../domain/node/evidence.ts";
import type { NodeView } from "../../domain/node/lifecycle.ts";
import type { NodeReport } from "../../domain/load/report.ts";
import { pauseAt } from "../../domain/group/pause.ts";
import { fromRfc3339, type Instant } from "../../domain/time.ts";

export interface NodeSurroundings {
  readonly node: StreamNode;
  readonly group: NodeGroup | undefined;
  /** Some node of the group is in service that this one could be linked to. */
  readonly hasParents: boolean;
  readonly awaitsBatch: boolean;
  readonly sighting: Sighting;
  readonly standing: Standing;
  /** Newest report of this StreamNode, of whatever boot. */
  readonly report: NodeReport | undefined;
  readonly reportFaults: readonly string[];
  /** A report older than this (ms) is not fresh. */
  readonly freshMs: number;
  readonly terminationAskedAt: Instant | undefined;
  readonly now: Instant;
  /** What the wall clock says, for what people set. */
  readonly wall: Instant;
  /** When the machine was launched, as it may be relied on. */
  readonly launchedAt?: Instant | undefined;
}

/** How far (ms) the cloud's clock and that of Kubernetes may be apart: a node is created before its machine is launched. */
const clocksApartMs = 60_000;

export function viewNode(around: NodeSurroundings): NodeView {
  const { node, report } = around;
  const { metadata, spec, status } = node;
  const registration = registrationOf(node);
  const ofThisBoot = report?.bootId === status?.registration?.bootId ? report : undefined;
  return {
    role: spec.role,
    standing: around.standing,
    deleting: metadata.deletionTimestamp !== undefined,
    drain: drainOf(around, ofThisBoot),
    held: isHeld(around),
    providerId: spec.providerId,
    awaitsBatch: around.awaitsBatch,
    sighting: around.sighting,
    registration,
    report: ofThisBoot === undefined ? undefined : reportView(ofThisBoot, around),
    reportFaults: around.reportFaults,
    rebooted: report !== undefined && ofThisBoot === undefined,
    inServiceSince: inServiceSince(node),
    hasParents: around.hasParents,
    launchedAt: around.launchedAt,
    registrationTimeoutMs: spec.launch.registrationTimeoutSeconds * 1_000,
    terminationAskedAt: around.terminationAskedAt,
  };
}

function drainOf(around: NodeSurroundings, ofThisBoot: NodeReport | undefined): DrainProgress | undefined {
  const { node, report } = around;
  if (node.spec.drain === undefined) return undefined;
  return drainProgress(node.spec.drain, {
    registered: node.status?.registration !== undefined,
    mayHaveServed: report !== undefined || mayHaveServedBefore(around),
    report: ofThisBoot !== undefined && isFresh(ofThisBoot, around) && speaksForDrain(node) ? ofThisBoot : undefined,
  });
}

/**
 * Whether the registered boot's word can end the drain: it served when the drain began, or has proved itself since. By a join
 * token alone any machine of its batch could say that nobody is left.
 */
function speaksForDrain({ spec, status }: StreamNode): boolean {
  const { registeredAt = "", provenBy } = status?.registration ?? {};
  if (provenBy === "Address" || provenBy === "FormerToken") return true;
  const [since, drainAt] = [fromRfc3339(registeredAt), fromRfc3339(spec.drain?.at ?? "")];
  return since !== undefined && drainAt !== undefined && since <= drainAt;
}

/** An object much younger than its machine was adopted or applied again, and knows nothing of what came before it. */
function mayHaveServedBefore({ node, sighting }: NodeSurroundings): boolean {
  const { metadata, spec, status } = node;
  if (spec.batchUid === undefined || status?.transitions?.InService !== undefined) return true;
  const launchedAt = sighting.kind === "Seen" ? sighting.machine.launchedAt : undefined;
  const createdAt = fromRfc3339(metadata.creationTimestamp);
  return launchedAt !== undefined && createdAt !== undefined && createdAt - launchedAt > clocksApartMs;
}

function isFresh({ receivedAt }: NodeReport, { now, freshMs }: NodeSurroundings): boolean {
  return now - receivedAt <= freshMs;
}

/** A pause holds terminations, but the deletion of the group goes before it. */
function isHeld({ group, wall }: NodeSurroundings): boolean {
  if (group === undefined || group.metadata.deletionTimestamp !== undefined) return false;
  return pauseAt(group.spec.pause, wall).kind === "EverythingPaused";
}

function registrationOf({ status }: StreamNode): NodeView["registration"] {
  const registration = status?.registration;
  if (registration === undefined) return undefined;
  const registeredAt = fromRfc3339(registration.registeredAt);
  if (registeredAt === undefined) return undefined;
  return { registeredAt, saidGoodbye: registration.goodbyeAt !== undefined };
}

function reportView(report: NodeReport, around: NodeSurroundings): NonNullable<NodeView["report"]> {
  const establishedLinks = report.links.filter(({ state }) => state === "established").length;
  return { fresh: isFresh(report, around), establishedLinks };
}

function inServiceSince({ status }: StreamNode): Instant | undefined {
  if (!isTrue(status?.conditions, "InService")) return undefined;
  return fromRfc3339(status?.transitions?.InService ?? "");
}
