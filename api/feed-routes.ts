/** The load feed, for processes of ours. */
import { Router } from "express";
import type { Clock } from "../domain/ports.ts";
import { feedPath, feedVersion, feedVersionHeader } from "../fleet/feed/feed-lines.ts";
import { FeedStream } from "../fleet/feed/feed-stream.ts";
import { onlyMethod } from "./problems.ts";
import type { LatestReports } from "../fleet/latest-reports.ts";
import type { TokenGate } from "./token-gate.ts";

export interface FeedRoutesDeps {
  readonly gate: TokenGate;
  readonly reports: LatestReports;
  readonly clock: Clock;
  /** Ends every feed when it aborts. */
  readonly stopping: AbortSignal;
}

/** The route; a reader stays until it, or this process, goes. */
export function feedRoutes({ gate, reports, clock, stopping }: FeedRoutesDeps): Router {
  const router = Router();
  const route = router.route(feedPath);
  route.get(async (req, res) => {
    await gate.feed(req);
    res.status(200).set({
      "Content-Type": "application/x-ndjson",
      "Cache-Control": "no-store",
      [feedVersionHeader]: String(feedVersion),
    });
    res.flushHeaders();
    const feed = new FeedStream(res, reports, clock);
    const end = (): void => {
      feed.stop();
      res.end();
    };
    stopping.addEventListener("abort", end);
    res.once("close", () => {
      feed.stop();
      stopping.removeEventListener("abort", end);
    });
    if (stopping.aborted) end();
  });
  route.all(onlyMethod("GET"));
  return router;
}
