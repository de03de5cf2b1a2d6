/** The description of the API, OpenAPI 3.1, from the schemas that parse it. */
import { z } from "zod";
import { feedLineSchema, feedPath } from "./feed-lines.ts";
import {
  goodbyeRequestSchema,
  registerRequestSchema,
  registerResponseSchema,
  reportRequestSchema,
  reportResponseSchema,
} from "./node-schemas.ts";
import { problemSchema } from "./problems.ts";

/** What is sent is described as it may come in: fields with a default are optional. */
const schemas = {
  RegisterRequest: z.toJSONSchema(registerRequestSchema, { io: "input" }),
  RegisterResponse: z.toJSONSchema(registerResponseSchema),
  ReportRequest: z.toJSONSchema(reportRequestSchema, { io: "input" }),
  ReportResponse: z.toJSONSchema(reportResponseSchema),
  GoodbyeRequest: z.toJSONSchema(goodbyeRequestSchema, { io: "input" }),
  FeedLine: z.toJSONSchema(feedLineSchema),
  Problem: z.toJSONSchema(problemSchema),
} as const;
type SchemaName = keyof typeof schemas;

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly security?: string;
  readonly parameters?: readonly string[];
  readonly request?: SchemaName;
  readonly success: Readonly<Record<number, object>>;
  /** Problems by status, with what the caller is to do. */
  readonly problems?: Readonly<Record<number, string>>;
}

const tokenProblems = {
  401: "The token is missing or does not fit: register again.",
  410: "The node is deleted: stop.",
  429: "Too many requests: wait as long as Retry-After says.",
  503: "Not now: wait as long as Retry-After says.",
} as const;

const bodyProblems = {
  400: "The body does not fit; the answer names the fields.",
  413: "The body is longer than 256 KiB.",
  415: "The body is not sent as application/json.",
} as const;

const nodeParameters = ["namespace", "name"];

const operations: Readonly<Record<string, Readonly<Record<string, Operation>>>> = {
  "/v1/nodes/register": {
    post: {
      operationId: "registerNode",
      summary: "A machine calls back and is told which node it is. Repeating it gives the same answer.",
      security: "joinToken",
      request: "RegisterRequest",
      success: { 200: json("Registered.", "RegisterResponse") },
      problems: { ...bodyProblems, ...tokenProblems, 409: "The machine is claimed by another." },
    },
  },
  "/v1/nodes/{namespace}/{name}/report": {
    post: {
      operationId: "reportNode",
      summary: "A node says how it is, and is told its parents and directives.",
      security: "nodeToken",
      parameters: nodeParameters,
      request: "ReportRequest",
      success: { 200: json("Taken.", "ReportResponse") },
      problems: { ...bodyProblems, ...tokenProblems },
    },
  },
  "/v1/nodes/{namespace}/{name}/goodbye": {
    post: {
      operationId: "dismissNode",
      summary: "A node takes no more clients until it registers again. It may be repeated.",
      security: "nodeToken",
      parameters: nodeParameters,
      request: "GoodbyeRequest",
      success: { 204: { description: "Noted." } },
      problems: { ...bodyProblems, ...tokenProblems },
    },
  },
  [feedPath]: {
    get: {
      operationId: "followLoad",
      summary: "Latest reports of all nodes, then changes, one JSON object per line. For the operator's own processes.",
      security: "feedToken",
      success: { 200: content("Lines without end.", "application/x-ndjson", reference("FeedLine")) },
      problems: { 401: tokenProblems[401], 429: tokenProblems[429], 503: tokenProblems[503] },
    },
  },
  "/healthz": { get: plain("checkHealth", "Whether the process answers.") },
  "/readyz": {
    get: { ...plain("checkReadiness", "Whether the nodes have been read."), problems: { 503: "Not yet." } },
  },
  "/metrics": {
    get: {
      operationId: "readMetrics",
      summary: "Metrics in the text format of Prometheus.",
      success: { 200: content("All metrics.", "text/plain", { type: "string" }) },
    },
  },
  "/openapi.json": { get: plain("describeApi", "This description.") },
};

/** The whole document, as an object. */
export function openApiDocument(version: string): object {
  return {
    openapi: "3.1.0",
    info: { title: "Streamfleet", version, description: "What media servers and the operator say to each other." },
    paths: mapValues(operations, (methods) => mapValues(methods, render)),
    components: {
      schemas: mapValues(schemas, (schema) => ({ ...schema, $schema: undefined })),
      securitySchemes: {
        joinToken: { type: "http", scheme: "bearer", description: "From the machine's user data." },
        nodeToken: { type: "http", scheme: "bearer", description: "From the answer to the registration." },
        feedToken: { type: "http", scheme: "bearer", description: "Derived from the operator's key." },
      },
    },
  };
}

function render(operation: Operation): object {
  const { operationId, summary, security, parameters = [], request, success, problems = {} } = operation;
  return {
    operationId,
    summary,
    ...(security !== undefined && { security: [{ [security]: [] }] }),
    ...(parameters.length > 0 && {
      parameters: parameters.map((name) => ({ name, in: "path", required: true, schema: { type: "string" } })),
    }),
    ...(request !== undefined && { requestBody: { required: true, ...body("application/json", reference(request)) } }),
    responses: {
      ...success,
      ...Object.fromEntries(Object.entries(problems).map(([status, text]) => [status, problem(Number(status), text)])),
    },
  };
}

function problem(status: number, text: string): object {
  const described = content(text, "application/problem+json", reference("Problem"));
  return status === 429 || status === 503 ? { ...described, headers: retryAfter } : described;
}

const retryAfter = {
  "Retry-After": { description: "Seconds to wait.", required: true, schema: { type: "integer", minimum: 1 } },
};

function plain(operationId: string, summary: string): Operation {
  return { operationId, summary, success: { 200: content("Yes.", "application/json", { type: "object" }) } };
}

function json(description: string, schema: SchemaName): object {
  return content(description, "application/json", reference(schema));
}

function content(description: string, mediaType: string, schema: object): object {
  return { description, ...body(mediaType, schema) };
}

function body(mediaType: string, schema: object): object {
  return { content: { [mediaType]: { schema } } };
}

function reference(schema: SchemaName): object {
  return { $ref: `#/components/schemas/${schema}` };
}

function mapValues<V, R>(object: Readonly<Record<string, V>>, change: (value: V) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}
