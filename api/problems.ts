/** What the API answers when it does not do what was asked: `application/problem+json` (RFC 9457) with a stable `code`. */
import type { ErrorRequestHandler, RequestHandler } from "express";
import { sayMissing } from "./missing-field.ts";
import { z } from "zod";
import type { Logger } from "../runtime/logger.ts";

/** Stable words for machines, with what they mean. */
const kinds = {
  MalformedJson: { status: 400, title: "The body is not JSON" },
  InvalidBody: { status: 400, title: "The body does not fit" },
  InvalidParameters: { status: 400, title: "The path or the query does not fit" },
  BadRequest: { status: 400, title: "The request cannot be read" },
  Unauthorized: { status: 401, title: "The token is missing or does not fit" },
  NotAnOrigin: { status: 403, title: "The caller is no origin of the group that is in service" },
  NotYourChild: { status: 403, title: "The node is no edge of the caller's" },
  ForeignHost: { status: 403, title: "The host is not served here" },
  NotProven: { status: 403, title: "Nothing proves that the machine itself calls" },
  NotFound: { status: 404, title: "There is no such route" },
  NoSuchGroup: { status: 404, title: "There is no such group" },
  MethodNotAllowed: { status: 405, title: "The route does not take this method" },
  ClaimedByAnother: { status: 409, title: "The machine is claimed by another" },
  ScaleInRefused: { status: 409, title: "No edge can go now" },
  NodeDeleted: { status: 410, title: "The node is deleted" },
  BodyTooLarge: { status: 413, title: "The body is too large" },
  UnsupportedMediaType: { status: 415, title: "The body is not sent as JSON" },
  TooManyRequests: { status: 429, title: "Too many requests" },
  Internal: { status: 500, title: "The server failed" },
  NotMapped: { status: 503, title: "The machine is not known yet" },
  NotReady: { status: 503, title: "The server is not ready yet" },
  NoFreeSlot: { status: 503, title: "No node has a free slot" },
  KubernetesUnavailable: { status: 503, title: "Kubernetes does not answer" },
  HistoryUnavailable: { status: 503, title: "The database does not answer" },
} as const;

export type ProblemCode = keyof typeof kinds;

/** One field that does not fit. `field` is a path such as `streams[3].name`. */
export interface FieldError {
  readonly field: string;
  readonly message: string;
}

export interface ProblemExtras {
  readonly retryAfterSeconds?: number;
  readonly errors?: readonly FieldError[];
  /** Why a scale-in request was refused, as one stable word. */
  readonly reason?: string;
  readonly cause?: unknown;
}

/** Thrown by a route to answer with a problem. The detail says what to do. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly code: ProblemCode;
  readonly extras: ProblemExtras;
  constructor(code: ProblemCode, detail: string, extras: ProblemExtras = {}) {
    super(detail, extras.cause === undefined ? undefined : { cause: extras.cause });
    this.code = code;
    this.extras = extras;
  }
}

/** The body of every answer that is a problem. */
export const problemSchema = z.object({
  type: z.string().describe("URN of the code."),
  title: z.string().describe("The code in words."),
  status: z.int().describe("The HTTP status."),
  detail: z.string().describe("What was wrong this time, and what to do."),
  code: z.enum(Object.keys(kinds) as [ProblemCode, ...ProblemCode[]]).describe("Stable word for machines."),
  errors: z
    .array(z.object({ field: z.string(), message: z.string() }))
    .optional()
    .describe("Fields that do not fit."),
  reason: z.string().optional().describe("Why a scale-in request was refused, as one stable word."),
});

/** Answers what no route took. */
export const unknownRoute: RequestHandler = (req) => {
  throw new Problem("NotFound", `there is no ${req.method} ${req.path}: see /openapi.json`);
};

/** Refuses the other methods of a route. */
export function onlyMethod(method: "GET" | "POST", allow = method === "GET" ? "GET, HEAD" : method): RequestHandler {
  return (req, res) => {
    res.set("Allow", allow);
    throw new Problem("MethodNotAllowed", `send ${method}, not ${req.method}`);
  };
}

/** The one place that turns errors into answers. */
export function problemHandler(logger: Logger): ErrorRequestHandler {
  return (error: unknown, req, res, next) => {
    const { status, headers, body } = problemAnswer(error, req, logger);
    if (res.headersSent) {
      next(error);
      return;
    }
    res.status(status).set(headers).type(problemType).send(body);
  };
}

export const problemType = "application/problem+json";

export interface ProblemAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What is answered where a request ended in this error. What we are to blame for goes to the log. */
export function problemAnswer(
  error: unknown,
  { method, path }: { readonly method: string; readonly path: string },
  logger: Logger,
): ProblemAnswer {
  const problem = toProblem(error);
  const { cause, retryAfterSeconds, errors, reason } = problem.extras;
  if (cause !== undefined) logger.error("failed to answer request", { method, path, error: cause });
  const { status, title } = kinds[problem.code];
  const body: z.input<typeof problemSchema> = {
    type: `urn:streamfleet:problem:${problem.code}`,
    title,
    status,
    detail: problem.message,
    code: problem.code,
    ...(errors !== undefined && { errors: [...errors] }),
    ...(reason !== undefined && { reason }),
  };
  const headers = {
    ...(retryAfterSeconds !== undefined && { "Retry-After": String(Math.max(1, Math.ceil(retryAfterSeconds))) }),
    // What is still to come of the body is not read, so nothing can follow it.
    ...(problem.code === "BodyTooLarge" && { Connection: "close" }),
    ...(problem.code === "Unauthorized" && { "WWW-Authenticate": "Bearer" }),
  };
  return { status, headers, body: JSON.stringify(body) };
}

/** More would not help whoever reads them. */
const mostFieldErrors = 20;

/** Parses a body, or throws the problem that names each field and what to write. */
export function parseBody<T>(schema: z.ZodType<T>, body: unknown): T {
  return parseAs("InvalidBody", schema, body);
}

/** Parses what the path and the query say, or throws the problem that names each parameter and what to write. */
export function parseParameters<T>(schema: z.ZodType<T>, parameters: unknown): T {
  return parseAs("InvalidParameters", schema, parameters);
}

function parseAs<T>(code: ProblemCode, schema: z.ZodType<T>, given: unknown): T {
  const parsed = schema.safeParse(given, { error: sayMissing });
  if (parsed.success) return parsed.data;
  throw problemOf(code, parsed.error);
}

/** The problem that names each field and what to write. */
export function problemOf(code: ProblemCode, { issues }: z.ZodError): Problem {
  const errors = issues
    .slice(0, mostFieldErrors)
    .map((issue) => ({ field: fieldPath(issue.path), message: issue.message }));
  const detail = errors.map(({ field, message }) => (field === "" ? message : `${field}: ${message}`)).join("; ");
  const others = issues.length - errors.length;
  return new Problem(code, others > 0 ? `${detail}; and ${others} more` : detail, { errors });
}

function fieldPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    return text === "" ? String(part) : `${text}.${String(part)}`;
  }, "");
}

/** Errors of express and of its body parser, by their `type`. */
const parserCodes: Readonly<Record<string, ProblemCode>> = {
  "entity.parse.failed": "MalformedJson",
  "entity.too.large": "BodyTooLarge",
  "encoding.unsupported": "UnsupportedMediaType",
  "charset.unsupported": "UnsupportedMediaType",
};

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const { type, status, message } = error as { type?: unknown; status?: unknown; message?: unknown };
  const code = typeof type === "string" ? parserCodes[type] : undefined;
  if (code !== undefined) return new Problem(code, String(message));
  if (typeof status === "number" && status >= 400 && status < 500) return new Problem("BadRequest", String(message));
  return new Problem("Internal", "the server failed to answer: its log says why", { cause: error });
}
