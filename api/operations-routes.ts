/** For those who run the process: health, readiness, metrics, the API's description. */
import { Router } from "express";
import { openApiDocument } from "./open-api.ts";
import type { MetricsSource } from "./metrics-page.ts";
import { onlyMethod, Problem } from "./problems.ts";

export interface OperationsRoutesDeps {
  /** Whether requests of nodes can be answered from what is known. */
  readonly isReady: () => boolean;
  /** Absent: they are served elsewhere. */
  readonly metrics?: MetricsSource;
  readonly version: string;
}

/** The routes; none needs a token, and none tells a secret. */
export function operationsRoutes({ isReady, metrics, version }: OperationsRoutesDeps): Router {
  const router = Router();
  let document: ReturnType<typeof openApiDocument> | undefined;
  router.get("/healthz", (_req, res) => void res.json({ status: "ok" }));
  router.get("/readyz", (_req, res) => {
    if (!isReady()) throw new Problem("NotReady", "the nodes have not been read yet", { retryAfterSeconds: 1 });
    res.json({ status: "ready" });
  });
  router.get(
    "/openapi.json",
    (_req, res) => void res.json((document ??= openApiDocument(version, metrics !== undefined))),
  );
  for (const path of ["/healthz", "/readyz", "/openapi.json"]) router.all(path, onlyMethod("GET"));
  if (metrics !== undefined) {
    const page = router.route("/metrics");
    page.get(async (_req, res) => {
      res.set("Content-Type", metrics.contentType).send(await metrics.text());
    });
    page.all(onlyMethod("GET"));
  }
  return router;
}
