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
    held.add(socket);
    socket.once("close", () => {
      held.remove(socket);
      if (held.count === 0) open.delete(address);
    });
  });
  server.on("request", ({ socket }, response) => {
    const held = open.get(socket.remoteAddress ?? "");
    held?.busy(socket);
    response.once("close", () => held?.idle(socket));
  });
}

/** Of one address. A set keeps the order in which its members came. */
class OpenConnections {
  readonly #idle = new Set<Socket>();
  readonly #busy = new Set<Socket>();

  get count(): number {
    return this.#idle.size + this.#busy.size;
  }

  add(socket: Socket): void {
    this.#idle.add(socket);
  }

  remove(socket: Socket): void {
    this.#idle.delete(socket);
    this.#busy.delete(socket);
  }

  busy(socket: Socket): void {
    if (this.#idle.delete(socket)) this.#busy.add(socket);
  }

  idle(socket: Socket): void {
    if (this.#busy.delete(socket)) this.#idle.add(socket);
  }

  /** Whether there was one to close. */
  closeIdle(): boolean {
    const [longest] = this.#idle;
    if (longest === undefined) return false;
    this.remove(longest);
    longest.destroy();
    return true;
  }
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
