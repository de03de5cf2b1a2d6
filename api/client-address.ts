/** From where a request comes, behind proxies as well, and which requests share a bucket of a rate limit. */
import type { Express, Request } from "express";
import ipaddr from "ipaddr.js";

/** Verifies an operator token. */
type OperatorCheck = (token: string) => boolean;

/** The bucket of the client that sent the request. */
export type ClientBucket = (req: Request) => string;

/** In it a simulation on this machine shows an operator's token beside the token of the call. */
export const operatorHeader = "X-Streamfleet-Operator";

export interface ClientView {
  readonly bucketOf: ClientBucket;
  /** The address from which a request comes, as far as it can be seen; undefined where what is seen is no address. */
  readonly addressOf: (req: Request) => string | undefined;
}

/**
 * `trustedProxies`: networks (CIDR) whose `X-Forwarded-For` is believed, from the right to the first that is not among them;
 * nobody else's is. Only `streamfleet simulate` is, from this machine and with an operator token: it plays many viewers.
 */
export function clientView(
  app: Express,
  { trustedProxies, isOperator }: { readonly trustedProxies: readonly string[]; readonly isOperator: OperatorCheck },
): ClientView {
  app.set("trust proxy", trustedProxies.length === 0 ? false : [...trustedProxies]);
  const seen = (req: Request): string => playedAddress(req, isOperator) ?? req.ip ?? "";
  return {
    bucketOf: (req) => bucketOf(seen(req), req.socket.remoteAddress ?? ""),
    addressOf: (req) => normalized(seen(req)),
  };
}

/** An address in the one form in which it is compared; undefined for anything else. */
function normalized(address: string): string | undefined {
  return ipaddr.isValid(address) ? ipaddr.process(address).toString() : undefined;
}

/** Whether two texts are the same address, however each is written. */
export function isSameAddress(a: string | undefined, b: string | undefined): boolean {
  const [one, other] = [normalized(a ?? ""), normalized(b ?? "")];
  return one !== undefined && one === other;
}

function playedAddress(req: Request, isOperator: OperatorCheck): string | undefined {
  const given = req.get("X-Forwarded-For");
  if (given === undefined || !isLoopback(req.socket.remoteAddress ?? "")) return undefined;
  const token = req.get(operatorHeader) ?? /^Bearer +(\S+)$/i.exec(req.get("Authorization") ?? "")?.[1];
  return token !== undefined && isOperator(token) ? given : undefined;
}

function isLoopback(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.process(address).range() === "loopback";
}

/**
 * An IPv4 address; the first 64 bits of an IPv6 one, since whoever has one has them all. What is no address, as a proxy may
 * have passed on from somebody, counts as `otherwise`.
 */
export function bucketOf(address: string, otherwise: string): string {
  if (!ipaddr.isValid(address)) return ipaddr.isValid(otherwise) ? bucketOf(otherwise, "") : "unknown";
  const parsed = ipaddr.process(address);
  if (!(parsed instanceof ipaddr.IPv6)) return parsed.toString();
  return `${parsed.parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(":")}::/64`;
}
