/** The simulations that have sessions on the media nodes of this process, each apart from the others. */
import type { Clock } from "../../domain/ports.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { ConnectAnswer, MediaNode } from "./node.ts";
import type { MediaSession } from "./sessions.ts";

/** What is needed of a `MediaFleet`. */
export interface MediaClientsFleet {
  nodeAt(address: string): Pick<MediaNode, "connect" | "disconnect"> | undefined;
  takeLost(): readonly string[];
}

export interface MediaClientsOptions {
  readonly fleet: MediaClientsFleet;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface SessionChange {
  readonly client: string;
  readonly connect: readonly (MediaSession & { readonly address: string })[];
  readonly disconnect: readonly string[];
}

export type Refusal = "NoSuchNode" | Exclude<ConnectAnswer, "Connected">;

export interface SessionOutcome {
  readonly connected: string[];
  readonly refused: { readonly id: string; readonly reason: Refusal }[];
  /** Sessions that ended with their machines; each is told once. */
  readonly lost: string[];
  /** Since when (ms) the client is known. Another value than before: its sessions until then are gone. */
  readonly knownSince: number;
}

interface Client {
  /** In ms. */
  readonly knownSince: number;
  /** The address of each session's node, by the client's id. */
  readonly sessions: Map<string, string>;
  lost: string[];
  forgetLater: () => void;
}

/** A simulation that has not called for so long (ms) has died. */
const silentMs = 30_000;

export class MediaClients {
  readonly #options: MediaClientsOptions;
  readonly #clients = new Map<string, Client>();

  constructor(options: MediaClientsOptions) {
    this.#options = options;
  }

  /** Disconnects, then connects, and tells the client what it has lost. */
  change({ client: name, connect, disconnect }: SessionChange): SessionOutcome {
    const client = this.#heard(name);
    this.#assignLost();
    for (const id of disconnect) this.#disconnect(name, client, id);
    const connected: string[] = [];
    const refused: { id: string; reason: Refusal }[] = [];
    for (const session of connect) {
      const answer = this.#connect(name, client, session);
      if (answer === "Connected") connected.push(session.id);
      else refused.push({ id: session.id, reason: answer });
    }
    const { lost, knownSince } = client;
    client.lost = [];
    return { connected, refused, lost, knownSince };
  }

  /** Disconnects all. */
  close(): void {
    for (const name of [...this.#clients.keys()]) this.#forget(name);
  }

  #heard(name: string): Client {
    const client = this.#clients.get(name) ?? this.#newClient();
    client.forgetLater();
    client.forgetLater = this.#options.clock.after(silentMs, () => {
      this.#options.logger.info("forgot silent simulation", { client: name, sessions: client.sessions.size });
      this.#forget(name);
    });
    this.#clients.set(name, client);
    return client;
  }

  #newClient(): Client {
    return { knownSince: this.#options.clock.now(), sessions: new Map(), lost: [], forgetLater: () => undefined };
  }

  #forget(name: string): void {
    const client = this.#clients.get(name);
    if (client === undefined) return;
    client.forgetLater();
    this.#assignLost();
    for (const id of [...client.sessions.keys()]) this.#disconnect(name, client, id);
    this.#clients.delete(name);
  }

  /** The fleet tells lost sessions once, whoever's they are. */
  #assignLost(): void {
    for (const fleetId of this.#options.fleet.takeLost()) {
      const [name = "", id = ""] = fleetId.split("/");
      const client = this.#clients.get(name);
      if (client?.sessions.delete(id) === true) client.lost.push(id);
    }
  }

  #connect(name: string, client: Client, { address, ...session }: SessionChange["connect"][number]) {
    const former = client.sessions.get(session.id);
    if (former !== undefined && former !== address) this.#disconnect(name, client, session.id);
    const node = this.#options.fleet.nodeAt(address);
    const answer = node?.connect({ ...session, id: idInFleet(name, session.id) }) ?? "NoSuchNode";
    if (answer === "Connected") client.sessions.set(session.id, address);
    return answer;
  }

  #disconnect(name: string, client: Client, id: string): void {
    const address = client.sessions.get(id);
    if (address === undefined) return;
    client.sessions.delete(id);
    this.#options.fleet.nodeAt(address)?.disconnect(idInFleet(name, id));
  }
}

/** Two simulations may give their sessions the same ids. Neither part has a slash. */
function idInFleet(client: string, id: string): string {
  return `${client}/${id}`;
}
