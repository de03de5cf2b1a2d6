/**
 * The endpoints for those who run a process that serves no nodes: health, readiness, metrics. Three paths need no framework,
 * which would take more memory than a thousand nodes.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../domain/ports.ts";
import type { Logger } from "../runtime/logger.ts";
import { MetricsPage, type MetricsSource } from "./metrics-page.ts";
import { type Listener, listen, type ListenOptions } from "./listener.ts";
import { Problem, problemAnswer, problemType } from "./problems.ts";

export interface OperationsServerDeps {
  /** Whether the process can do its work. */
  readonly isReady: () => boolean;
  readonly metrics: MetricsSource;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Answer {
  readonly type: string;
  readonly body: string;
}

/** Throws `PortInUseError`. */
export function serveOperations(deps: OperationsServerDeps, options: ListenOptions): Promise<Listener> {
  const page = { ...deps, metrics: new MetricsPage(deps.metrics, deps.clock) };
  return listen((request, response) => void respond(page, request, response), deps.clock, options);
}

async function respond(deps: OperationsServerDeps, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = "", url = "" } = request;
  const path = url.replace(/\?.*$/, "");
  try {
    const { type, body } = await answerTo(deps, method, path);
    response.writeHead(200, { "Content-Type": type }).end(method === "HEAD" ? undefined : body);
  } catch (error) {
    const { status, headers, body } = problemAnswer(error, { method, path }, deps.logger);
    response.writeHead(status, { ...headers, "Content-Type": problemType }).end(body);
  }
}

async function answerTo({ isReady, metrics }: OperationsServerDeps, method: string, path: string): Promise<Answer> {
  const answers: Readonly<Record<string, () => Answer | Promise<Answer>>> = {
    "/healthz": () => json({ status: "ok" }),
    "/readyz": () => {
      if (!isReady()) throw new Problem("NotReady", "the objects have not been read yet", { retryAfterSeconds: 1 });
      return json({ status: "ready" });
    },
    "/metrics": async () => ({ type: metrics.contentType, body: await metrics.text() }),
  };
  const answer = Object.hasOwn(answers, path) ? answers[path] : undefined;
  if (answer === undefined) throw new Problem("NotFound", `there is no ${path}: see /healthz, /readyz and /metrics`);
  if (method !== "GET" && method !== "HEAD") throw new Problem("MethodNotAllowed", `send GET, not ${method}`);
  return answer();
}

function json(body: object): Answer {
  return { type: "application/json; charset=utf-8", body: JSON.stringify(body) };
}
