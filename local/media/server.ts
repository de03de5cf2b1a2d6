/** The players' door to the simulated media nodes, for simulations in other processes of this machine. */
import type { Request, RequestHandler } from "express";
import express from "express";
import { z } from "zod";
import { listen } from "../../api/listener.ts";
import { onlyMethod, parseBody, Problem, problemHandler, unknownRoute } from "../../api/problems.ts";
import type { Clock } from "../../domain/ports.ts";
import { isOwnHost } from "../../runtime/server-limits.ts";
import type { Logger } from "../../runtime/logger.ts";
import { type MediaClientsFleet, MediaClients } from "./clients.ts";

export interface MediaServerOptions {
  /** A `MediaFleet`. */
  readonly fleet: MediaClientsFleet;
  /** Whether it is a valid operator token. */
  readonly verify: (token: string) => boolean;
  readonly clock: Clock;
  /** 0 takes a free one. */
  readonly port: number;
  readonly logger: Logger;
}

export interface MediaServer {
  readonly url: string;
  /** Disconnects every client and frees the port. */
  close(): Promise<void>;
}

const host = "127.0.0.1";

/** A page in a browser must not reach this server by a name that it made point here. */
const onlyOwnHost: RequestHandler = (req, _res, next) => {
  if (isOwnHost(req.headers.host)) next();
  else throw new Problem("ForeignHost", "call this server by 127.0.0.1");
};

/** Longest body (bytes): as many ids as are taken, each as long as it may be. */
const longestBody = 4 * 1_024 * 1_024;

const id = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[A-Za-z0-9._:-]+$/, "write letters, digits, dots, colons, dashes and underscores");
const name = z.string().min(1).max(255);

/** What a simulation asks for. Leaving goes before coming, so that the slots of those who leave are free. */
export const sessionsRequestSchema = z.object({
  client: id.describe("Names the simulation; its sessions end when it has not called for 30 s."),
  connect: z
    .array(
      z.object({
        id: id.describe("The simulation's own name of the session."),
        address: z.string().min(1).max(253).describe("Address of the node, as a look-up answers it."),
        kind: z.enum(["publish", "subscribe"]),
        scope: name,
        name,
      }),
    )
    .max(2_000)
    .default([]),
  disconnect: z.array(id).max(10_000).default([]),
});

/** What became of it, and which sessions ended with their machines; each of these is told once. */
export const sessionsResponseSchema = z.object({
  connected: z.array(z.string()),
  refused: z.array(z.object({ id: z.string(), reason: z.enum(["NoSuchNode", "Full", "Draining", "NotServing"]) })),
  lost: z.array(z.string()),
  knownSince: z
    .number()
    .describe("Since when (ms) the client is known; a new value says that its former sessions are gone."),
});
export type SessionsResponse = z.output<typeof sessionsResponseSchema>;

/** Throws `PortInUseError`, and what the socket throws. */
export async function startMediaServer(options: MediaServerOptions): Promise<MediaServer> {
  const clients = new MediaClients(options);
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.use(onlyOwnHost);
  app
    .route("/sessions")
    .post(onlyFor(options.verify), express.json({ limit: longestBody }), (req, res) => {
      const answer: SessionsResponse = clients.change(parseBody(sessionsRequestSchema, req.body));
      res.json(answer);
    })
    .all(onlyMethod("POST"));
  app.use(unknownRoute);
  app.use(problemHandler(options.logger));
  const listener = await listen(app, options.clock, { port: options.port, host, chosenBy: "--media-port" });
  return {
    url: `http://${host}:${listener.port}`,
    close: () => {
      clients.close();
      return listener.close();
    },
  };
}

/** Looks at the token before the body is read. */
function onlyFor(verify: (token: string) => boolean): RequestHandler {
  return (req, _res, next) => {
    const token = bearerOf(req);
    if (token === undefined || !verify(token)) {
      throw new Problem("Unauthorized", "send an operator token as Authorization: Bearer");
    }
    next();
  };
}

function bearerOf(req: Request): string | undefined {
  return /^Bearer +(\S+)$/i.exec(req.get("Authorization") ?? "")?.[1];
}
