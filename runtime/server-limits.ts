/** What every server of ours bounds: who may hold how many connections, and how long a request may take to arrive. */
import type { Server } from "node:http";
import { BlockList, isIPv6, type Socket } from "node:net";

/** For `createServer`, in ms. They bound how long a request takes to arrive; answers, watches among them, may take longer. */
export const arrivalLimits = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 2_000,
} as const;

export interface ConnectionLimits {
  /** Of the server. */
  readonly total: number;
  /** Of one address. */
  readonly perAddress: number;
  /** Networks (CIDR) of proxies: they carry many clients, and are bound by the total alone. */
  readonly proxies?: readonly string[];
}

/** More than the clients of a large fleet and its players hold; a process has file descriptors for so many. */
export const usualConnections: ConnectionLimits = { total: 10_000, perAddress: 2_000 };

/** A name by which browsers and programs of this machine reach it, as `Host` says it; `others` are further hosts. */
export function isOwnHost(header: string | undefined, others: ReadonlySet<string> = new Set()): boolean {
  const host = (header ?? "").replace(/:\d+$/, "").toLowerCase();
  return ["localhost", "127.0.0.1", "[::1]"].includes(host) || others.has(host);
}

/**
 * Bounds the connections of a server. An address that holds as many as it may loses the one that has been idle for the longest,
 * so that many players behind one gateway are served one after the other; where all its connections are busy, a new one is
 * closed.
 */
export function boundConnections(server: Server, limits: ConnectionLimits): void {
  const open = new Map<string, OpenConnections>();
  const proxies = networks(limits.proxies ?? []);
  server.maxConnections = limits.total;
  server.on("connection", (socket: Socket) => {
    const address = socket.remoteAddress ?? "";
    if (isIn(proxies, address)) return;
    const held = open.get(address) ?? new OpenConnections();
    open.set(address, held);
    if (held.count >= limits.perAddress && !held.closeIdle()) {
      socket.destroy();
      return;
    }
    // A closed socket no longer knows it.
    const { remotePort: port = 0 } = socket;
    held.add(port, socket);
    socket.once("close", () => {
      held.remove(port, socket);
      if (held.count === 0 && open.get(address) === held) open.delete(address);
    });
  });
  // Over TLS this is another object than the connection's: the port tells which it is.
  server.on("request", ({ socket: { remoteAddress = "", remotePort: port = 0 } }, response) => {
    const held = open.get(remoteAddress);
    held?.busy(port);
    response.once("close", () => held?.idle(port));
  });
}

/** Of one address, by port. A map keeps the order in which its entries came. */
class OpenConnections {
  readonly #idle = new Map<number, Socket>();
  readonly #busy = new Map<number, Socket>();

  get count(): number {
    return this.#idle.size + this.#busy.size;
  }

  add(port: number, socket: Socket): void {
    this.#idle.set(port, socket);
  }

  /** Unless another has come by the same port. */
  remove(port: number, socket: Socket): void {
    for (const held of [this.#idle, this.#busy]) if (held.get(port) === socket) held.delete(port);
  }

  busy(port: number): void {
    move(port, this.#idle, this.#busy);
  }

  idle(port: number): void {
    move(port, this.#busy, this.#idle);
  }

  /** Whether there was one to close. */
  closeIdle(): boolean {
    const [longest] = this.#idle;
    if (longest === undefined) return false;
    const [port, socket] = longest;
    this.#idle.delete(port);
    socket.destroy();
    return true;
  }
}

function move(port: number, from: Map<number, Socket>, to: Map<number, Socket>): void {
  const socket = from.get(port);
  if (socket === undefined) return;
  from.delete(port);
  to.set(port, socket);
}

function networks(texts: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of texts) {
    const [address = "", bits] = text.split("/");
    const family = isIPv6(address) ? "ipv6" : "ipv4";
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}

/** IPv4 addresses that a socket of both families shows as IPv6 are found among the IPv4 ones. */
function isIn(list: BlockList, address: string): boolean {
  return address !== "" && list.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}
