/** `fetch` that hands requests to an express app in this process: the routes and their parsing, without a socket. */
import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { Express } from "express";

/** From which address a request comes; absent: from this machine. */
export const fromHeader = "x-test-from";

/** Asks `app` for the app at each request; where there is none, the connection is refused. */
export function fetchFrom(app: (url: URL) => Express | undefined): typeof globalThis.fetch {
  return (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const server = app(url);
    if (server === undefined) return Promise.reject(new TypeError("fetch failed: connection refused"));
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    const request = toRequest(url, init);
    const response = capturedResponse(request, resolve);
    const abort = (): void => {
      reject(new Error("the request was aborted"));
      response.emit("close");
    };
    init?.signal?.addEventListener("abort", abort, { once: true });
    server(request, response);
    return promise;
  };
}

function toRequest(url: URL, init: RequestInit | undefined): IncomingMessage {
  const headers = new Headers(init?.headers);
  // As a socket would tell it; a test says from where it calls.
  const remoteAddress = headers.get(fromHeader) ?? "127.0.0.1";
  headers.delete(fromHeader);
  const request = new IncomingMessage(Object.defineProperty(new Socket(), "remoteAddress", { value: remoteAddress }));
  const body = typeof init?.body === "string" ? init.body : "";
  request.method = init?.method ?? "GET";
  request.url = url.pathname + url.search;
  for (const [name, value] of headers) request.headers[name] = value;
  request.headers.host = url.host;
  request.headers["content-length"] = String(Buffer.byteLength(body));
  request.push(body);
  request.push(null);
  return request;
}

/** Express gives the response another prototype, so its methods are replaced on the object itself. */
function capturedResponse(request: IncomingMessage, answer: (response: Response) => void): ServerResponse {
  const response = new ServerResponse(request);
  const answerWith = (body: string | ReadableStream | null): void => {
    const headers = new Headers(Object.entries(response.getHeaders()).map(([name, value]) => [name, String(value)]));
    answer(new Response(body, { status: response.statusCode, headers }));
  };
  response.end = ((chunk?: unknown) => {
    const body = typeof chunk === "string" || Buffer.isBuffer(chunk) ? String(chunk) : null;
    answerWith(body === "" ? null : body);
    response.emit("finish");
    return response;
  }) as typeof response.end;
  response.flushHeaders = () => answerWith(bodyOf(response));
  return response;
}

/** From now on what is written is read at once, until the response ends or is closed. */
function bodyOf(response: ServerResponse): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start: (controller) => {
      response.write = ((chunk: unknown) => {
        controller.enqueue(Buffer.from(String(chunk)));
        return true;
      }) as typeof response.write;
      response.end = (() => {
        response.emit("close");
        return response;
      }) as typeof response.end;
      response.once("close", () => {
        response.write = () => true;
        controller.error(new Error("the connection was closed"));
      });
    },
    cancel: () => void response.emit("close"),
  });
}
