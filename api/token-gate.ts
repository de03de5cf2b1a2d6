/** Who is asking: the claims of the bearer token of a request. */
import type { Request } from "express";
import {
  type JoinClaims,
  keyIdOf,
  type NodeClaims,
  type NodeKey,
  type ValidKeys,
  verifyFeedToken,
  verifyJoinToken,
  verifyNodeToken,
  verifyOperatorToken,
} from "../runtime/node-tokens.ts";
import { Problem } from "./problems.ts";
import type { ClientBucket } from "./client-address.ts";
import type { RateLimiter } from "./rate-limit.ts";

/** What the API needs of a `KeyRing`. */
export interface TokenKeys extends ValidKeys {
  readonly current: NodeKey;
  refreshFor(keyId: string): Promise<void>;
}

/** Verifies tokens; whoever guesses is slowed down by address. Every method throws `Problem`. */
export class TokenGate {
  readonly #keys: TokenKeys;
  readonly #strangers: RateLimiter;

  readonly #bucketOf: ClientBucket;

  constructor(keys: TokenKeys, strangers: RateLimiter, bucketOf: ClientBucket) {
    this.#keys = keys;
    this.#strangers = strangers;
    this.#bucketOf = bucketOf;
  }

  join(req: Request): Promise<JoinClaims> {
    return this.#claims(req, "the join token of the machine's user data", (token) =>
      verifyJoinToken(this.#keys, token),
    );
  }

  node(req: Request): Promise<NodeClaims> {
    return this.#claims(req, "the token that the registration answered", (token) => verifyNodeToken(this.#keys, token));
  }

  async feed(req: Request): Promise<void> {
    await this.#claims(req, "a feed token", (token) => verifyFeedToken(this.#keys, token) || undefined);
  }

  async operator(req: Request): Promise<void> {
    await this.#claims(req, "an operator token", (token) => verifyOperatorToken(this.#keys, token) || undefined);
  }

  async #claims<T>(req: Request, wanted: string, verify: (token: string) => T | undefined): Promise<T> {
    const token = /^Bearer +(\S+)$/i.exec(req.get("Authorization") ?? "")?.[1];
    const known = token === undefined ? undefined : verify(token);
    if (known !== undefined) return known;
    limit(this.#strangers, this.#bucketOf(req));
    const claims = token === undefined ? undefined : await this.#verifiedAnew(token, verify);
    if (claims !== undefined) return claims;
    throw new Problem("Unauthorized", `send ${wanted} as Authorization: Bearer`);
  }

  /** A token made with a key that is newer than our copy of the keys is verified once they are read again. */
  async #verifiedAnew<T>(token: string, verify: (token: string) => T | undefined): Promise<T | undefined> {
    const keyId = keyIdOf(token);
    if (keyId === undefined || this.#keys.find(keyId) !== undefined) return undefined;
    try {
      await this.#keys.refreshFor(keyId);
    } catch (cause) {
      throw new Problem("KubernetesUnavailable", "the token cannot be verified now: try again", {
        retryAfterSeconds: 2,
        cause,
      });
    }
    return verify(token);
  }
}

/** Throws the problem that says how long to wait, unless the limiter lets this one pass. */
export function limit(limiter: RateLimiter, key: string): void {
  const waitMs = limiter.take(key);
  if (waitMs === 0) return;
  throw new Problem("TooManyRequests", "too many requests: wait as long as Retry-After says", {
    retryAfterSeconds: waitMs / 1_000,
  });
}
