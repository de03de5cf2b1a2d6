/** Takes reports of nodes that are known: what makes sense, and says once in a while what did not. */
import type { Request, Response } from "express";
import type { StreamNode } from "../crds/stream-node.ts";
import { lossKey, type PartFault, type PartLoss } from "../domain/load/report-parts.ts";
import { mostCountedOf } from "../domain/load/role-load.ts";
import type { Clock } from "../domain/ports.ts";
import type { Logger } from "../runtime/logger.ts";
import type { ReportRequest } from "./node-schemas.ts";
import { Problem, problemOf } from "./problems.ts";
import type { LatestReports } from "../fleet/latest-reports.ts";
import { takeReport } from "./report-intake.ts";
import { readReportBody } from "./request-body.ts";
import type { StreamNodeDirectory } from "../fleet/stream-node-directory.ts";

export interface ReportMetrics {
  reportPartsDropped(loss: PartLoss): void;
}

export interface ReportReceiverDeps {
  readonly nodes: Pick<StreamNodeDirectory, "byName">;
  readonly reports: Pick<LatestReports, "refuse">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: ReportMetrics;
}

/** What was taken of a report, and what was not. */
export interface TakenReport {
  readonly request: ReportRequest;
  readonly losses: readonly PartLoss[];
}

/** How long (ms) after it was logged that a node's reports are not taken as they are, it is logged again. */
const logAgainMs = 3_600_000;
/** For how many nodes it is remembered when it was logged. */
const mostNodes = 50_000;
/** A node may have somewhat more clients than it is meant for; so many more are an error of its counting, and would move the fleet. */
const mostOverload = 10;

export class ReportReceiver {
  readonly #deps: ReportReceiverDeps;
  /** When (monotonic, ms) it was last logged, by the UID of the node. */
  readonly #loggedAt = new Map<string, number>();

  constructor(deps: ReportReceiverDeps) {
    this.#deps = deps;
  }

  /** The report in the request's body; throws the problem that it is answered with where it cannot be taken. */
  async take(node: StreamNode, req: Request, res: Response): Promise<TakenReport> {
    const intake = takeReport(await this.#body(node, req, res));
    if (intake.kind === "Refused") {
      this.#refuse(node, intake.reason);
      throw problemOf("InvalidBody", intake.error);
    }
    const impossible = impossibleLoad(node, intake.report);
    if (impossible !== undefined) {
      this.#refuse(node, "Counts");
      throw impossible;
    }
    const { children, losses } = this.#children(node, intake.report);
    const all = [...intake.losses, ...losses, ...uncounted(node, intake.report)];
    this.#say(node, all, "took a report in part");
    return { request: { ...intake.report, children: [...children] }, losses: all };
  }

  async #body(node: StreamNode, req: Request, res: Response): Promise<unknown> {
    try {
      return await readReportBody(req, res);
    } catch (error) {
      this.#refuse(node, error instanceof Problem && error.code === "BodyTooLarge" ? "TooLarge" : "NotJson");
      throw error;
    }
  }

  #refuse(node: StreamNode, reason: PartFault): void {
    const { uid, namespace, name } = node.metadata;
    this.#say(node, [{ part: "report", reason, count: 1 }], "refused a report");
    this.#deps.reports.refuse({ uid, namespace, name, reason, receivedAt: this.#deps.clock.now() });
  }

  /** Nobody may speak for a node that is not linked to it; and so many clients as nobody can have move the fleet as its own word does. */
  #children(
    { metadata, spec }: StreamNode,
    { children }: ReportRequest,
  ): { readonly children: ReportRequest["children"]; readonly losses: readonly PartLoss[] } {
    if (children.length === 0) return { children, losses: [] };
    if (spec.role !== "origin" && spec.role !== "relay")
      return { children: [], losses: [{ part: "children", reason: "NotAllowed", count: children.length }] };
    const possible = children.filter(({ name, connections, subscribers }) => {
      // One that is not known here speaks for nobody.
      const capacity = this.#deps.nodes.byName(metadata.namespace, name)?.spec.launch.connectionCapacity;
      return capacity === undefined || Math.max(connections, subscribers) <= mostOverload * capacity;
    });
    const count = children.length - possible.length;
    return { children: possible, losses: count === 0 ? [] : [{ part: "children", reason: "Impossible", count }] };
  }

  /** Counts each time, and logs once an hour for each node. */
  #say({ metadata }: StreamNode, losses: readonly PartLoss[], what: string): void {
    if (losses.length === 0) return;
    const { clock, logger, metrics } = this.#deps;
    for (const loss of losses) metrics.reportPartsDropped(loss);
    const { uid, namespace, name } = metadata;
    const now = clock.monotonicMs();
    if (now - (this.#loggedAt.get(uid) ?? -Infinity) < logAgainMs) return;
    this.#loggedAt.delete(uid);
    this.#loggedAt.set(uid, now);
    const [oldest] = this.#loggedAt.keys();
    if (this.#loggedAt.size > mostNodes && oldest !== undefined) this.#loggedAt.delete(oldest);
    logger.info(what, { namespace, name, parts: losses.map((loss) => `${lossKey(loss)}: ${loss.count}`) });
  }
}

/** What of its clients does not count as load. */
function uncounted({ spec }: StreamNode, request: ReportRequest): readonly PartLoss[] {
  const most = mostCountedOf(spec.launch.connectionCapacity);
  return (["connections", "publishers", "subscribers"] as const)
    .filter((part) => request[part] > most)
    .map((part) => ({ part, reason: "OverCapacity", count: request[part] - most }));
}

function impossibleLoad({ metadata, spec }: StreamNode, request: ReportRequest): Problem | undefined {
  const capacity = spec.launch.connectionCapacity;
  const errors = (["connections", "publishers", "subscribers"] as const)
    .filter((field) => request[field] > mostOverload * capacity)
    .map((field) => ({
      field,
      message: `${request[field]} is more than ${mostOverload} times the ${capacity} that ${metadata.name} can serve: count clients, not bytes or packets`,
    }));
  if (errors.length === 0) return undefined;
  return new Problem("InvalidBody", errors.map(({ field, message }) => `${field}: ${message}`).join("; "), { errors });
}
