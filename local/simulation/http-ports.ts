/** The ports of the crowd over HTTP: look-ups of the API, and the media server of `up`. */
import { z } from "zod";
import type { Clock } from "../../domain/ports.ts";
import { startDeadline } from "../../runtime/deadline.ts";
import { messageOf } from "../../runtime/thrown.ts";
import type { LookUp, LookUpAnswer, MediaDoor, SessionAnswer } from "./session-ports.ts";

export interface LookUpClientOptions {
  /** Base URL of the API. */
  readonly apiUrl: string;
  readonly namespace: string;
  readonly group: string;
  /** An operator's: with it an API on this machine believes that each client has an address of its own. */
  readonly token?: string;
  readonly clock: Clock;
  readonly fetch: typeof globalThis.fetch;
}

const longestCallMs = 10_000;
/** Wait (ms) where the server names none. */
const usualWaitMs = 1_000;

const placementSchema = z.object({ node: z.string(), address: z.string() });
const problemSchema = z.object({ code: z.string() });

export function lookUpClient({ apiUrl, namespace, group, token, clock, fetch }: LookUpClientOptions): LookUp {
  const query = new URLSearchParams({ namespace, group }).toString();
  // No other machine is to see the token.
  const isHere = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(apiUrl).hostname);
  const headersOf = (client: number): Readonly<Record<string, string>> =>
    token === undefined || !isHere ? {} : { Authorization: `Bearer ${token}`, "X-Forwarded-For": addressOf(client) };
  return async (kind, { scope, name }, client) => {
    const path = `/v1/streams/${encodeURIComponent(scope)}/${encodeURIComponent(name)}/${kind}`;
    const deadline = startDeadline(clock, longestCallMs, "looking up a node");
    try {
      const response = await fetch(`${apiUrl}${path}?${query}`, {
        headers: headersOf(client),
        signal: deadline.signal,
      });
      return toAnswer(response, await response.text());
    } catch (error) {
      return { kind: "Later", retryAfterMs: usualWaitMs, reason: reasonOf(error) };
    } finally {
      deadline.clear();
    }
  };
}

/** An address of a network that is nobody else's: as if each client were at home. */
function addressOf(client: number): string {
  const high = Math.floor(client / 65_536) % 65_536;
  return `fd53:${high.toString(16)}:${(client % 65_536).toString(16)}::1`;
}

function toAnswer(response: Response, text: string): LookUpAnswer {
  if (response.ok) return { kind: "Placed", ...placementSchema.parse(JSON.parse(text)) };
  const retryAfterMs = retryAfter(response);
  if (response.status === 404 && codeOf(text) !== "NoSuchGroup") return { kind: "NotLive" };
  if (response.status === 503 && codeOf(text) === "NoFreeSlot") return { kind: "Full", retryAfterMs };
  return { kind: "Later", retryAfterMs, reason: `status ${response.status}: ${text.slice(0, 500)}` };
}

/** A 503 of something in between has another body, or none. */
function codeOf(text: string): string | undefined {
  try {
    return problemSchema.safeParse(JSON.parse(text)).data?.code;
  } catch {
    return undefined;
  }
}

function retryAfter({ headers }: Response): number {
  const text = headers.get("Retry-After");
  const seconds = Number(text ?? Number.NaN);
  return Number.isFinite(seconds) ? Math.max(0, seconds) * 1_000 : usualWaitMs;
}

export interface MediaClientOptions {
  /** Base URL of the media server. */
  readonly mediaUrl: string;
  /** An operator's. */
  readonly token: string;
  /** Whose the sessions are; those of a client that has fallen silent end. */
  readonly client: string;
  readonly clock: Clock;
  readonly fetch: typeof globalThis.fetch;
}

const sessionsSchema = z.object({
  connected: z.array(z.string()),
  refused: z.array(z.object({ id: z.string(), reason: z.string() })),
  lost: z.array(z.string()),
  knownSince: z.number(),
});

export function mediaClient({ mediaUrl, token, client, clock, fetch }: MediaClientOptions): MediaDoor {
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  return async (changes): Promise<SessionAnswer> => {
    const deadline = startDeadline(clock, longestCallMs, "connecting to nodes");
    try {
      const body = JSON.stringify({ client, ...changes });
      const response = await fetch(`${mediaUrl}/sessions`, { method: "POST", headers, body, signal: deadline.signal });
      const text = await response.text();
      if (!response.ok) return { kind: "Failed", reason: `status ${response.status}: ${text.slice(0, 500)}` };
      const answer = sessionsSchema.safeParse(JSON.parse(text));
      if (!answer.success) return { kind: "Failed", reason: `no answer of a media server: ${text.slice(0, 500)}` };
      return { kind: "Answered", ...answer.data };
    } catch (error) {
      return { kind: "Failed", reason: reasonOf(error) };
    } finally {
      deadline.clear();
    }
  };
}

/** What `fetch` throws says only that it failed; the reason is its cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return messageOf(cause).split("\n")[0] ?? "";
}
