/** Reading from the API as an operator: what `explain` and `history` show. */
import { z } from "zod";
import type { Clock } from "../domain/ports.ts";
import { startDeadline } from "../runtime/deadline.ts";
import { CommandError, unanswered } from "./operator-access.ts";

export interface OperatorClientOptions {
  /** Base URL of the API. */
  readonly apiUrl: string;
  /** An operator's. */
  readonly token: string;
  readonly clock: Clock;
  readonly fetch: typeof globalThis.fetch;
}

export interface OperatorClient {
  /** What the API answers, as JSON. Throws `CommandError`; `ApiUnreachableError` where nothing answers. */
  get(path: string, query: Readonly<Record<string, string>>): Promise<unknown>;
}

const longestCallMs = 15_000;

/** The API does not answer, where another way may be open. */
export class ApiUnreachableError extends Error {
  override readonly name = "ApiUnreachableError";
}

export function operatorClient({ apiUrl, token, clock, fetch }: OperatorClientOptions): OperatorClient {
  return {
    get: async (path, query) => {
      const deadline = startDeadline(clock, longestCallMs, "reading history");
      try {
        const response = await fetch(`${apiUrl}${path}?${new URLSearchParams(query).toString()}`, {
          headers: { Authorization: `Bearer ${token}` },
          signal: deadline.signal,
        }).catch((cause: unknown) => {
          const advice = "is the operator running there? Name another address with --api-url";
          throw new ApiUnreachableError(unanswered(`the API at ${apiUrl}`, causeOf(cause), advice).message, { cause });
        });
        const text = await response.text();
        if (!response.ok) throw refused(apiUrl, response.status, text);
        return JSON.parse(text) as unknown;
      } finally {
        deadline.clear();
      }
    },
  };
}

/** What `fetch` throws says only that it failed; the reason is its cause. */
function causeOf(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? error.cause : error;
}

function refused(apiUrl: string, status: number, text: string): CommandError {
  if (status === 401) {
    return new CommandError(`the API at ${apiUrl} belongs to another fleet: name this one's with --api-url`);
  }
  return new CommandError(`the API at ${apiUrl} answered ${status}: ${problemText(text).slice(0, 500)}`);
}

/** The sentence of a problem, or whatever else the answer says. */
function problemText(text: string): string {
  try {
    return z.object({ detail: z.string() }).parse(JSON.parse(text)).detail;
  } catch {
    return text;
  }
}
