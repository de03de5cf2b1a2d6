/** Raw requests to a Kubernetes API server, for what no client library would send. */
import { request } from "node:https";
import { text } from "node:stream/consumers";

export interface HttpRequestParts {
  readonly headers?: Readonly<Record<string, string>>;
  /** A text is sent as it is, anything else as JSON. */
  readonly body?: unknown;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

export type RawHttp = (method: string, path: string, parts?: HttpRequestParts) => Promise<HttpAnswer>;

export interface HttpAccess {
  readonly url: string;
  readonly token: string;
  /** PEM of what the server's certificate is checked against. */
  readonly ca: string;
}

/** A client that sends what it is told, and gives any status as an answer; only a broken connection throws. */
export function httpClient({ url, token, ca }: HttpAccess): RawHttp {
  return (method, path, parts = {}) =>
    new Promise((resolve, reject) => {
      const body = payload(parts.body);
      const headers = { authorization: `Bearer ${token}`, ...bodyHeaders(body), ...parts.headers };
      const sent = request(new URL(path, url), { method, headers, ca }, (response) => {
        const answered = (answer: string): void =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: answer });
        text(response).then(answered, reject);
      });
      sent.once("error", reject);
      sent.end(body);
    });
}

function payload(body: unknown): string | undefined {
  if (body === undefined || typeof body === "string") return body;
  return JSON.stringify(body);
}

/** Node sends the body of a DELETE without saying that there is one, unless the length is given. */
function bodyHeaders(body: string | undefined): Readonly<Record<string, string>> {
  if (body === undefined) return {};
  return { "content-type": "application/json", "content-length": String(Buffer.byteLength(body)) };
}
