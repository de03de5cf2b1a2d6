/** A server on a socket. */
import type { RequestListener, Server } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "../domain/ports.ts";
import { arrivalLimits, boundConnections, type ConnectionLimits, usualConnections } from "../runtime/server-limits.ts";

export interface ListenOptions {
  /** 0 takes a free one. */
  readonly port: number;
  /** Default: every address of the machine. */
  readonly host?: string;
  /** What people choose the port by, such as `--api-port`, for the message that it is in use. */
  readonly chosenBy?: string;
  /** Default: `usualConnections`. */
  readonly connections?: ConnectionLimits;
}

export interface Listener {
  readonly port: number;
  /** Stops to listen and waits for requests under way, for a second at most. */
  close(): Promise<void>;
}

/** Another process listens there. The message is one line that says what to do. */
export class PortInUseError extends Error {
  override readonly name = "PortInUseError";
  readonly isForPeople = true;
  readonly port: number;
  constructor(port: number, { chosenBy, ...options }: ErrorOptions & { readonly chosenBy?: string | undefined } = {}) {
    const other = chosenBy === undefined ? "choose another port" : `choose another with ${chosenBy}`;
    super(`port ${port} is in use: stop the process that listens there, or ${other}`, options);
    this.port = port;
  }
}

/** Longer than the longest report interval, so that a node never writes into a connection that is being closed. */
const keepAliveMs = 65_000;
const graceMs = 1_000;

/** Throws `PortInUseError`, and what the socket throws. */
export async function listen(handler: RequestListener, clock: Clock, options: ListenOptions): Promise<Listener> {
  const { connections = usualConnections, chosenBy, ...where } = options;
  const server = createServer({ keepAliveTimeout: keepAliveMs, ...arrivalLimits }, handler);
  boundConnections(server, connections);
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      reject(cause.code === "EADDRINUSE" ? new PortInUseError(options.port, { cause, chosenBy }) : cause);
    });
    server.listen(where, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return { port, close: () => close(server, clock) };
}

function close(server: Server, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(graceMs, () => server.closeAllConnections());
    server.close(() => {
      cancel();
      resolve();
    });
    server.closeIdleConnections();
  });
}
