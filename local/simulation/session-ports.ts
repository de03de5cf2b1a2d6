/** How a simulated client finds a node and connects to it: the ports behind which the real ones and those of tests stand. */

/** What a client comes for. */
export type SessionKind = "publish" | "subscribe";

export interface StreamName {
  readonly scope: string;
  readonly name: string;
}

export type LookUpAnswer =
  | { readonly kind: "Placed"; readonly node: string; readonly address: string }
  /** No slot is free (503). */
  | { readonly kind: "Full"; readonly retryAfterMs: number }
  /** Nobody publishes the stream (404). */
  | { readonly kind: "NotLive" }
  /** Too many calls at once (429), or no answer. */
  | { readonly kind: "Later"; readonly retryAfterMs: number; readonly reason: string };

/** Asks for a node. `client`: the number of who asks, which nobody else has. Answers whatever happens; never rejects. */
export type LookUp = (kind: SessionKind, stream: StreamName, client: number) => Promise<LookUpAnswer>;

/** A session to open on the node with this address. Ids are the client's and never used twice. */
export interface SessionRequest extends StreamName {
  readonly id: string;
  readonly address: string;
  readonly kind: SessionKind;
}

export interface SessionChanges {
  /** At most `mostConnects`. */
  readonly connect: readonly SessionRequest[];
  /** Ids, at most `mostDisconnects`. Unknown ones do no harm. */
  readonly disconnect: readonly string[];
}

export type SessionAnswer =
  | {
      readonly kind: "Answered";
      readonly connected: readonly string[];
      readonly refused: readonly { readonly id: string; readonly reason: string }[];
      /** Sessions that ended without the client's doing, each told once. */
      readonly lost: readonly string[];
      /** Since when (ms) the nodes know the client. Another value than before: all sessions until then are gone. */
      readonly knownSince: number;
    }
  | { readonly kind: "Failed"; readonly reason: string };

export const mostConnects = 2_000;
export const mostDisconnects = 10_000;

/** Opens and closes sessions on the nodes. Answers whatever happens; never rejects. */
export type MediaDoor = (changes: SessionChanges) => Promise<SessionAnswer>;
