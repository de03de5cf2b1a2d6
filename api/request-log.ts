/** What became of each request, for the debug log and the metrics. */
import type { RequestHandler } from "express";
import type { Clock } from "../domain/ports.ts";
import type { Logger } from "../runtime/logger.ts";
import type { AnsweredRequest } from "../runtime/metrics.ts";

export interface RequestLogDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** A `Metrics`. */
  readonly metrics: { requestAnswered(answered: AnsweredRequest): void };
}

/** Tells of every answer once it has been sent. */
export function requestLog({ clock, logger, metrics }: RequestLogDeps): RequestHandler {
  return (req, res, next) => {
    const startMs = clock.monotonicMs();
    res.once("finish", () => {
      const seconds = (clock.monotonicMs() - startMs) / 1_000;
      const answered = { method: req.method, route: routePattern(req), status: res.statusCode, seconds };
      metrics.requestAnswered(answered);
      logger.debug("answered request", { ...answered });
    });
    next();
  };
}

function routePattern(req: object): string {
  const { route } = req as { readonly route?: { readonly path?: unknown } };
  return typeof route?.path === "string" ? route.path : "unknown";
}
