/** What became of each request, for the debug log and for metrics. */
import type { RequestHandler } from "express";
import type { Clock } from "../domain/time.ts";
import type { Logger } from "../runtime/logger.ts";

export interface AnsweredRequest {
  readonly method: string;
  /** The route's pattern, never a path with names; `unknown` where no route took it. */
  readonly route: string;
  readonly status: number;
  readonly seconds: number;
}

export type RequestLog = (answered: AnsweredRequest) => void;

/** Tells of every answer once it has been sent. */
export function requestLog(clock: Clock, logger: Logger, onAnswered: RequestLog = () => undefined): RequestHandler {
  return (req, res, next) => {
    const startMs = clock.monotonicMs();
    res.once("finish", () => {
      const seconds = (clock.monotonicMs() - startMs) / 1_000;
      const answered = { method: req.method, route: routePattern(req), status: res.statusCode, seconds };
      onAnswered(answered);
      logger.debug("answered request", { ...answered });
    });
    next();
  };
}

function routePattern(req: object): string {
  const { route } = req as { readonly route?: { readonly path?: unknown } };
  return typeof route?.path === "string" ? route.path : "unknown";
}
