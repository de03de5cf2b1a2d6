/** The node API as a media node calls it, and what each answer tells the node to do. */
import type { z } from "zod";
import {
  type RegisterRequest,
  type RegisterResponse,
  registerResponseSchema,
  type ReportRequest,
  type ReportResponse,
  reportResponseSchema,
} from "../../api/node-schemas.ts";
import type { Clock } from "../../domain/ports.ts";
import { startDeadline } from "../../runtime/deadline.ts";
import { messageOf } from "../../runtime/thrown.ts";
import { isOfThisMachine } from "../own-file.ts";

export type NodeAnswer<T> =
  | { readonly kind: "Accepted"; readonly body: T }
  /** The token does not fit (any more). */
  | { readonly kind: "Refused"; readonly reason: string }
  /** The node is deleted: never call again. */
  | { readonly kind: "Gone" }
  /** Try again after `ms`, or after a wait of the node's choice. */
  | { readonly kind: "Later"; readonly ms?: number; readonly reason: string };

/** Which node a call speaks for. */
export type NodeSession = Pick<RegisterResponse, "namespace" | "name" | "token">;

export interface NodeApiClientOptions {
  /** Base URL of the node API. */
  readonly apiUrl: string;
  readonly clock: Clock;
  readonly fetch: typeof globalThis.fetch;
  /** What an API on this machine, and no other, is told of where the machine that registers stands. */
  readonly whereabouts?: () => Readonly<Record<string, string>>;
}

interface NodeCall {
  readonly path: string;
  readonly token: string;
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Longest time (ms) to wait for an answer. */
const longestCallMs = 5_000;

/** Every method answers, whatever happens on the way; none throws. */
export class NodeApiClient {
  readonly #options: NodeApiClientOptions;

  constructor(options: NodeApiClientOptions) {
    this.#options = options;
  }

  register(joinToken: string, request: RegisterRequest, signal: AbortSignal): Promise<NodeAnswer<RegisterResponse>> {
    const { apiUrl, whereabouts } = this.#options;
    const headers = isOfThisMachine(apiUrl) ? (whereabouts?.() ?? {}) : {};
    const call = { path: "/v1/nodes/register", token: joinToken, body: request, headers };
    return this.#post(call, (text) => parse(registerResponseSchema, text), signal);
  }

  report(session: NodeSession, request: ReportRequest, signal: AbortSignal): Promise<NodeAnswer<ReportResponse>> {
    const call = { path: pathOf(session, "report"), token: session.token, body: request };
    return this.#post(call, (text) => parse(reportResponseSchema, text), signal);
  }

  goodbye(session: NodeSession, bootId: string, signal: AbortSignal): Promise<NodeAnswer<undefined>> {
    const call = { path: pathOf(session, "goodbye"), token: session.token, body: { bootId } };
    return this.#post(call, () => undefined, signal);
  }

  /** An origin asks for one of its edges to go. */
  requestScaleIn(
    session: NodeSession & Pick<RegisterResponse, "group">,
    request: { readonly node: string; readonly reason: string },
    signal: AbortSignal,
  ): Promise<NodeAnswer<undefined>> {
    const group = `${encodeURIComponent(session.namespace)}/${encodeURIComponent(session.group)}`;
    const call = { path: `/v1/nodegroups/${group}/scale-in-requests`, token: session.token, body: request };
    return this.#post(call, () => undefined, signal);
  }

  async #post<T>(
    { path, token, body, headers: more = {} }: NodeCall,
    read: (text: string) => T,
    signal: AbortSignal,
  ): Promise<NodeAnswer<T>> {
    const { apiUrl, clock, fetch } = this.#options;
    const deadline = startDeadline(clock, longestCallMs, "calling the node API", signal);
    try {
      const headers = { ...more, Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
      const request = { method: "POST", headers, body: JSON.stringify(body), signal: deadline.signal };
      const response = await fetch(`${apiUrl}${path}`, request);
      const text = await response.text();
      return response.ok ? { kind: "Accepted", body: read(text) } : refusal(response, text);
    } catch (error) {
      return { kind: "Later", reason: messageOf(error) };
    } finally {
      deadline.clear();
    }
  }
}

function refusal(response: Response, text: string): Exclude<NodeAnswer<never>, { kind: "Accepted" }> {
  const reason = `status ${response.status}: ${text.slice(0, 500)}`;
  if (response.status === 401) return { kind: "Refused", reason };
  if (response.status === 410) return { kind: "Gone" };
  const seconds = Number(response.headers.get("Retry-After") ?? Number.NaN);
  return Number.isFinite(seconds) ? { kind: "Later", ms: seconds * 1_000, reason } : { kind: "Later", reason };
}

function pathOf({ namespace, name }: NodeSession, verb: string): string {
  return `/v1/nodes/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}/${verb}`;
}

function parse<T>(schema: z.ZodType<T>, text: string): T {
  return schema.parse(JSON.parse(text));
}
