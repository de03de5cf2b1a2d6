/** `fetch` that hands requests to an express app in this process: the routes and their parsing, without a socket. */
import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { Express } from "express";

/** Asks `app` for the app at each request; where there is none, the connection is refused. */
export function fetchFrom(app: () => Express | undefined): typeof globalThis.fetch {
  return (input, init) => {
    const server = app();
    if (server === undefined) return Promise.reject(new TypeError("fetch failed: connection refused"));
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    init?.signal?.addEventListener("abort", () => reject(new Error("the request was aborted")), { once: true });
    const request = toRequest(new URL(input instanceof Request ? input.url : input), init);
    server(request, capturedResponse(request, resolve));
    return promise;
  };
}

function toRequest(url: URL, init: RequestInit | undefined): IncomingMessage {
  const request = new IncomingMessage(new Socket());
  const body = typeof init?.body === "string" ? init.body : "";
  request.method = init?.method ?? "GET";
  request.url = url.pathname + url.search;
  for (const [name, value] of new Headers(init?.headers)) request.headers[name] = value;
  request.headers.host = url.host;
  request.headers["content-length"] = String(Buffer.byteLength(body));
  request.push(body);
  request.push(null);
  return request;
}

/** Express gives the response another prototype, so `end` is replaced on the object itself. */
function capturedResponse(request: IncomingMessage, answer: (response: Response) => void): ServerResponse {
  const response = new ServerResponse(request);
  response.end = ((chunk?: unknown) => {
    const body = typeof chunk === "string" || Buffer.isBuffer(chunk) ? String(chunk) : null;
    const headers = new Headers(Object.entries(response.getHeaders()).map(([name, value]) => [name, String(value)]));
    answer(new Response(body === "" ? null : body, { status: response.statusCode, headers }));
    response.emit("finish");
    return response;
  }) as typeof response.end;
  return response;
}
