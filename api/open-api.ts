/** The description of the API, OpenAPI 3.1, from the schemas that parse it. */
import { z } from "zod";
import { activitiesSchema, activityQuerySchema } from "./activity-schemas.ts";
import { historyPath } from "./history-routes.ts";
import { historyQuerySchema, historySchema, type LookedUpKind, lookedUpKinds } from "./history-schemas.ts";
import { feedLineSchema, feedPath } from "../fleet/feed/feed-lines.ts";
import {
  goodbyeRequestSchema,
  registerRequestSchema,
  registerResponseSchema,
  reportRequestSchema,
  reportResponseSchema,
  scaleInRequestSchema,
  scaleInResponseSchema,
} from "./node-schemas.ts";
import { problemSchema } from "./problems.ts";
import { lookUpQuerySchema, lookUpResponseSchema } from "./stream-schemas.ts";

/** What is sent is described as it may come in: fields with a default are optional. */
const schemas = {
  RegisterRequest: z.toJSONSchema(registerRequestSchema, { io: "input" }),
  RegisterResponse: z.toJSONSchema(registerResponseSchema),
  ReportRequest: z.toJSONSchema(reportRequestSchema, { io: "input" }),
  ReportResponse: z.toJSONSchema(reportResponseSchema),
  GoodbyeRequest: z.toJSONSchema(goodbyeRequestSchema, { io: "input" }),
  ScaleInRequest: z.toJSONSchema(scaleInRequestSchema, { io: "input" }),
  ScaleInResponse: z.toJSONSchema(scaleInResponseSchema),
  LookUpResponse: z.toJSONSchema(lookUpResponseSchema),
  Activities: z.toJSONSchema(activitiesSchema),
  NodesHistory: z.toJSONSchema(historySchema("nodes")),
  StreamsHistory: z.toJSONSchema(historySchema("streams")),
  AlarmsHistory: z.toJSONSchema(historySchema("alarms")),
  LoadHistory: z.toJSONSchema(historySchema("load")),
  FeedLine: z.toJSONSchema(feedLineSchema),
  Problem: z.toJSONSchema(problemSchema),
} as const;
type SchemaName = keyof typeof schemas;

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly security?: string;
  /** Names in the path. */
  readonly parameters?: readonly string[];
  readonly query?: z.ZodObject;
  readonly request?: SchemaName;
  readonly success: Readonly<Record<number, object>>;
  /** Problems by status, with what the caller is to do. */
  readonly problems?: Readonly<Record<number, string>>;
}

const tokenProblems = {
  401: "The token is missing or does not fit: register again.",
  410: "The node is deleted, and its machine was told to terminate: stop.",
  429: "Too many requests: wait as long as Retry-After says.",
  503: "Not now: wait as long as Retry-After says.",
} as const;

const bodyProblems = {
  400: "The body does not fit; the answer names the fields.",
  413: "The body is longer than 1 MiB.",
  415: "The body is not sent as application/json.",
} as const;

const nodeParameters = ["namespace", "name"];

const lookUpProblems = {
  400: "The path or the query does not fit; the answer names the parameters.",
  404: "There is no such group.",
  429: tokenProblems[429],
  503: "Every slot is taken, or no node takes clients: wait as long as Retry-After says.",
} as const;

function lookUp(operationId: string, summary: string): Operation {
  return {
    operationId,
    summary: `${summary} For anybody; each answer keeps a slot for the client. Whether the stream is live is not asked.`,
    parameters: ["scope", "name"],
    query: lookUpQuerySchema,
    success: { 200: json("Connect there.", "LookUpResponse") },
    problems: lookUpProblems,
  };
}

/** What cannot be read of the database, for whatever reason. */
const historyProblems = {
  400: lookUpProblems[400],
  401: "The token is missing or does not fit.",
  429: tokenProblems[429],
  503: "The database cannot be read now: wait as long as Retry-After says.",
} as const;

const pastOf = {
  nodes: ["listPastNodes", "Nodes that a group had, with their machines.", "NodesHistory"],
  streams: ["listPastStreams", "Streams that a group's nodes carried.", "StreamsHistory"],
  alarms: ["listAlarmTransitions", "Changes of the states of a group's alarms.", "AlarmsHistory"],
  load: ["listLoad", "Load of a group by the minute, role and region.", "LoadHistory"],
} as const;

function past(kind: LookedUpKind): Operation {
  const [operationId, summary, answer] = pastOf[kind];
  return {
    ...{ operationId, summary, security: "operatorToken", parameters: nodeParameters, query: historyQuerySchema },
    success: { 200: json("The newest rows.", answer) },
    problems: historyProblems,
  };
}

const operations: Readonly<Record<string, Readonly<Record<string, Operation>>>> = {
  "/v1/nodes/register": {
    post: {
      operationId: "registerNode",
      summary: "A machine calls back and is told which node it is. Repeating it gives the same answer.",
      security: "joinToken",
      request: "RegisterRequest",
      success: { 200: json("Registered.", "RegisterResponse") },
      problems: {
        ...bodyProblems,
        ...tokenProblems,
        403: "Nothing proves that the machine itself calls: an address that the cloud knows it by, or a former token.",
        409: "The machine is claimed by another.",
      },
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
  "/v1/nodegroups/{namespace}/{name}/scale-in-requests": {
    post: {
      operationId: "requestScaleIn",
      summary: "An origin of the group asks for one of its edges to go. The load may forbid it.",
      security: "nodeToken",
      parameters: nodeParameters,
      request: "ScaleInRequest",
      success: { 202: json("Remembered for a while.", "ScaleInResponse") },
      problems: {
        ...bodyProblems,
        ...tokenProblems,
        403: "The caller is no origin of the group that is in service, or the named node no edge of its.",
        409: "No edge can go now; the answer says why.",
      },
    },
  },
  "/v1/streams/{scope}/{name}/publish": { get: lookUp("findOrigin", "Where to publish a stream.") },
  "/v1/streams/{scope}/{name}/subscribe": { get: lookUp("findEdge", "Where to watch a stream.") },
  "/v1/nodegroups/{namespace}/{name}/activities": {
    get: {
      operationId: "listActivities",
      summary: "What was decided about a group, and why.",
      security: "operatorToken",
      parameters: nodeParameters,
      query: activityQuerySchema,
      success: { 200: json("The newest activities.", "Activities") },
      problems: historyProblems,
    },
  },
  ...Object.fromEntries(lookedUpKinds.map((kind) => [historyPath("{namespace}", "{name}", kind), { get: past(kind) }])),
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
export function openApiDocument(version: string, servesMetrics = true): object {
  return {
    openapi: "3.1.0",
    info: {
      title: "Streamfleet",
      version,
      description: "What media servers, players and the operator say to each other.",
    },
    paths: mapValues(servesMetrics ? operations : withoutMetrics(), (methods) => mapValues(methods, render)),
    components: {
      schemas: mapValues(schemas, (schema) => ({ ...schema, $schema: undefined })),
      securitySchemes: {
        joinToken: { type: "http", scheme: "bearer", description: "From the machine's user data." },
        nodeToken: { type: "http", scheme: "bearer", description: "From the answer to the registration." },
        operatorToken: { type: "http", scheme: "bearer", description: "Derived from the operator's key." },
        feedToken: { type: "http", scheme: "bearer", description: "Derived from the operator's key." },
      },
    },
  };
}

function withoutMetrics(): typeof operations {
  return Object.fromEntries(Object.entries(operations).filter(([path]) => path !== "/metrics"));
}

function render(operation: Operation): object {
  const { operationId, summary, security, request, success, problems = {} } = operation;
  const parameters = parametersOf(operation);
  return {
    operationId,
    summary,
    ...(security !== undefined && { security: [{ [security]: [] }] }),
    ...(parameters.length > 0 && { parameters }),
    ...(request !== undefined && { requestBody: { required: true, ...body("application/json", reference(request)) } }),
    responses: {
      ...success,
      ...Object.fromEntries(Object.entries(problems).map(([status, text]) => [status, problem(Number(status), text)])),
    },
  };
}

function parametersOf({ parameters = [], query }: Operation): readonly object[] {
  const { properties = {}, required = [] } = query === undefined ? {} : z.toJSONSchema(query, { io: "input" });
  return [
    ...parameters.map((name) => ({ name, in: "path", required: true, schema: { type: "string" } })),
    ...Object.entries(properties).map(([name, schema]) => ({
      ...{ name, in: "query", required: required.includes(name), schema },
    })),
  ];
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
