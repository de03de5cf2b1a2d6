/** The tokens by which nodes, and processes of ours, prove who they are: HMAC-SHA256 over what they claim. */
import { createHmac, type KeyObject, timingSafeEqual } from "node:crypto";
import { type PlatformName, platformNames } from "../crds/names.ts";

export interface NodeKey {
  /** Derived from the secret; tells which of the valid keys made a token. */
  readonly id: string;
  /** 32 bytes. Never logged. */
  readonly secret: Uint8Array;
  /** The secret, prepared once: that is most of what it costs to verify the token of a report. */
  readonly prepared?: KeyObject;
}

/** The keys that are valid now. */
export interface ValidKeys {
  find(id: string): NodeKey | undefined;
}

/** What a join token in user data says: this machine was launched for this group by this batch. */
export interface JoinClaims {
  readonly namespace: string;
  readonly group: string;
  readonly batch: string;
}

/** What a node token says: its bearer registered as this boot of this machine, for this StreamNode. */
export interface NodeClaims {
  readonly platform: PlatformName;
  readonly providerId: string;
  /** UID of the StreamNode. */
  readonly uid: string;
  readonly bootId: string;
}

/** Kinds of token with their version; part of what is signed, so that none passes for another. */
const kinds = { join: "sfj1", node: "sfn2", feed: "sff1", operator: "sfo1" } as const;
type TokenKind = keyof typeof kinds;

const longestToken = 2_048;

/** The same key and claims always give the same token: it is part of an idempotent launch request. */
export function signJoinToken(key: NodeKey, { namespace, group, batch }: JoinClaims): string {
  return sign(key, "join", [namespace, group, batch]);
}

/** The claims of a genuine token, or undefined for anything else; never throws. */
export function verifyJoinToken(keys: ValidKeys, token: string): JoinClaims | undefined {
  const [namespace, group, batch] = verify(keys, "join", token) ?? [];
  if (namespace === undefined || group === undefined || batch === undefined) return undefined;
  return { namespace, group, batch };
}

export function signNodeToken(key: NodeKey, { platform, providerId, uid, bootId }: NodeClaims): string {
  return sign(key, "node", [platform, providerId, uid, bootId]);
}

/** The claims of a genuine token, or undefined for anything else; never throws. */
export function verifyNodeToken(keys: ValidKeys, token: string): NodeClaims | undefined {
  const [name, providerId, uid, bootId] = verify(keys, "node", token) ?? [];
  const platform = platformNames.find((known) => known === name);
  if (platform === undefined || providerId === undefined || uid === undefined || bootId === undefined) return undefined;
  return { platform, providerId, uid, bootId };
}

/** The token by which processes of ours read each other's load feed. */
export function signFeedToken(key: NodeKey): string {
  return sign(key, "feed", []);
}

export function verifyFeedToken(keys: ValidKeys, token: string): boolean {
  return verify(keys, "feed", token) !== undefined;
}

/** The token by which commands of ours ask the API what only operators may know and do. */
export function signOperatorToken(key: NodeKey): string {
  return sign(key, "operator", []);
}

export function verifyOperatorToken(keys: ValidKeys, token: string): boolean {
  return verify(keys, "operator", token) !== undefined;
}

/** Id of the key that a token says it was made with; proves nothing. */
export function keyIdOf(token: string): string | undefined {
  return split(token)?.keyId;
}

function sign(key: NodeKey, kind: TokenKind, fields: readonly string[]): string {
  const payload = Buffer.from(JSON.stringify(fields)).toString("base64url");
  return `${kinds[kind]}.${key.id}.${payload}.${mac(key, kind, payload)}`;
}

function verify(keys: ValidKeys, kind: TokenKind, token: string): readonly string[] | undefined {
  const parts = split(token);
  if (parts?.kind !== kinds[kind]) return undefined;
  const key = keys.find(parts.keyId);
  if (key === undefined || !equal(parts.mac, mac(key, kind, parts.payload))) return undefined;
  return JSON.parse(Buffer.from(parts.payload, "base64url").toString()) as readonly string[];
}

function split(token: string) {
  if (token.length > longestToken) return undefined;
  const parts = token.split(".");
  const [kind, keyId, payload, mac] = parts;
  if (kind === undefined || keyId === undefined || payload === undefined || mac === undefined) return undefined;
  return parts.length === 4 ? { kind, keyId, payload, mac } : undefined;
}

function mac(key: NodeKey, kind: TokenKind, payload: string): string {
  return createHmac("sha256", key.prepared ?? key.secret)
    .update(`${kinds[kind]}.${key.id}.${payload}`)
    .digest("base64url");
}

function equal(given: string, expected: string): boolean {
  const a = Buffer.from(given);
  const b = Buffer.from(expected);
  return a.length === b.length && timingSafeEqual(a, b);
}
