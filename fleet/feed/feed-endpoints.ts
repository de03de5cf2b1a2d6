/** Which processes answer under the URL of a load feed: all addresses of its host name, asked for again and again. */
import { isIP } from "node:net";
import type { Clock } from "../../domain/ports.ts";
import { sleep } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";

/** Every address of a host name, of one family; throws when it is not known. */
export type ResolveHost = (hostname: string) => Promise<readonly string[]>;

/** How often (ms) a name is looked up again: a replica that has come is followed before its nodes count as silent. */
const resolveEveryMs = 2_000;

/**
 * Whether a name stands for several processes is asked only of plain HTTP: over TLS the certificate is that of the name, and
 * what answers is a proxy.
 */
export function isResolved(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === "http:" && hostname !== "localhost" && isIP(hostname.replace(/^\[|\]$/g, "")) === 0;
}

export interface EndpointWatchDeps {
  readonly resolve: ResolveHost;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Tells the URLs of the processes, one for each address, at each look-up that succeeds; ends with the signal. */
export async function watchEndpoints(
  url: string,
  { resolve, clock, logger }: EndpointWatchDeps,
  onUrls: (urls: readonly string[]) => void,
  signal: AbortSignal,
): Promise<void> {
  const isOver = (): boolean => signal.aborted;
  let failing = false;
  while (!isOver()) {
    try {
      const addresses = await resolve(new URL(url).hostname);
      if (isOver()) return;
      failing = false;
      onUrls([...new Set(addresses)].map((address) => withHost(url, address)));
    } catch (error) {
      if (!failing) logger.error("cannot resolve load feed", { url, error });
      failing = true;
    }
    await sleep(clock, resolveEveryMs, signal);
  }
}

function withHost(url: string, address: string): string {
  const addressed = new URL(url);
  addressed.hostname = isIP(address) === 6 ? `[${address}]` : address;
  return addressed.href.replace(/\/+$/, "");
}
