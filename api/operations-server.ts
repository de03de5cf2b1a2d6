/** The endpoints for those who run a process that serves no nodes: health, readiness, metrics. */
import express from "express";
import type { Clock } from "../domain/time.ts";
import type { Logger } from "../runtime/logger.ts";
import { type Listener, listen, type ListenOptions } from "./listener.ts";
import { operationsRoutes, type OperationsRoutesDeps } from "./operations-routes.ts";
import { problemHandler, unknownRoute } from "./problems.ts";

export interface OperationsServerDeps extends OperationsRoutesDeps {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Throws `PortInUseError`. */
export function serveOperations(deps: OperationsServerDeps, options: ListenOptions): Promise<Listener> {
  const app = express();
  app.disable("x-powered-by");
  app.use(operationsRoutes(deps));
  app.use(unknownRoute);
  app.use(problemHandler(deps.logger));
  return listen(app, deps.clock, options);
}
