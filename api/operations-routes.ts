/** For those who run the process: health, readiness, metrics, the API's description. */
import { Router } from "express";
import { openApiDocument } from "./open-api.ts";
import { onlyMethod, Problem } from "./problems.ts";

export interface OperationsRoutesDeps {
  /** Whether requests of nodes can be answered from what is known. */
  readonly isReady: () => boolean;
  /** A `Metrics`. */
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
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
  router.get("/metrics", async (_req, res) => {
    res.set("Content-Type", metrics.contentType).send(await metrics.text());
  });
  router.get("/openapi.json", (_req, res) => void res.json((document ??= openApiDocument(version))));
  for (const path of ["/healthz", "/readyz", "/metrics", "/openapi.json"]) router.all(path, onlyMethod("GET"));
  return router;
}
