import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import {
  keyIdOf,
  type NodeKey,
  signFeedToken,
  signJoinToken,
  signNodeToken,
  signOperatorToken,
  verifyFeedToken,
  verifyJoinToken,
  verifyNodeToken,
  verifyOperatorToken,
} from "../../runtime/node-tokens.ts";

const key = (id: string): NodeKey => ({ id, secret: Buffer.alloc(32, id) });
const valid = (...keys: NodeKey[]) => ({ find: (id: string) => keys.find((candidate) => candidate.id === id) });
const [a, b, c] = [key("a"), key("b"), key("c")];
const ring = valid(a, b);
const join = { namespace: "media", group: "live", batch: "live-edge-b7" };
const node = { platform: "simulated", providerId: "i-1", uid: "uid-1", bootId: "boot-1" } as const;

describe("tokens", () => {
  it("carry their claims, signed with either key", () => {
    for (const signer of [a, b]) {
      expect(verifyJoinToken(ring, signJoinToken(signer, join))).toEqual(join);
      expect(verifyNodeToken(ring, signNodeToken(signer, node))).toEqual(node);
      expect(verifyFeedToken(ring, signFeedToken(signer))).toBe(true);
      expect(verifyOperatorToken(ring, signOperatorToken(signer))).toBe(true);
      expect(keyIdOf(signJoinToken(signer, join))).toBe(signer.id);
    }
  });

  it("are the same for the same key and claims", () => {
    expect(signJoinToken(a, join)).toBe(signJoinToken(a, { ...join }));
    expect(signJoinToken(a, join)).not.toBe(signJoinToken(b, join));
  });

  it("of a key that is not valid are nobody's", () => {
    expect(verifyJoinToken(ring, signJoinToken(c, join))).toBeUndefined();
    expect(verifyNodeToken(ring, signNodeToken({ ...c, id: "a" }, node))).toBeUndefined();
    expect(verifyOperatorToken(ring, signOperatorToken(c))).toBe(false);
    expect(verifyOperatorToken(ring, signOperatorToken({ ...c, id: "a" }))).toBe(false);
  });

  it("of one kind do not pass for another", () => {
    expect(verifyNodeToken(ring, signJoinToken(a, join))).toBeUndefined();
    expect(verifyJoinToken(ring, signNodeToken(a, node))).toBeUndefined();
    expect(verifyFeedToken(ring, signNodeToken(a, node))).toBe(false);
    expect(verifyJoinToken(ring, signJoinToken(a, join).replace("sfj1", "sfn2"))).toBeUndefined();
    expect(
      verifyNodeToken(ring, signJoinToken(a, { ...join, namespace: "gce" }).replace("sfj1", "sfn2")),
    ).toBeUndefined();
    expect(verifyFeedToken(ring, signNodeToken(a, node).replace("sfn2", "sff1"))).toBe(false);
    expect(verifyOperatorToken(ring, signFeedToken(a))).toBe(false);
    expect(verifyOperatorToken(ring, signFeedToken(a).replace("sff1", "sfo1"))).toBe(false);
    expect(verifyFeedToken(ring, signOperatorToken(a))).toBe(false);
  });

  it("fit into the longest names", () => {
    const longest = { namespace: "n".repeat(63), group: "g".repeat(40), batch: "b".repeat(253) };
    expect(verifyJoinToken(ring, signJoinToken(a, longest))).toEqual(longest);
    const providerId = "é".repeat(256);
    const long = { platform: "gce", providerId, uid: "u".repeat(64), bootId: "é".repeat(128) } as const;
    expect(verifyNodeToken(ring, signNodeToken(a, long))).toEqual(long);
  });

  it("with any character changed are refused", () => {
    const token = signJoinToken(a, join);
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.constantFrom("A", "b", "0", ".", "_"), (at, character) => {
        const changed = token.slice(0, at) + character + token.slice(at + 1);
        expect(verifyJoinToken(ring, changed) === undefined).toBe(changed !== token);
      }),
    );
  });

  it("may be any garbage and never throw", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(fc.base64String()).map((parts) => `sfj1.a.${parts.join(".")}`),
        ),
        (text) => {
          expect(verifyJoinToken(ring, text)).toBeUndefined();
          expect(verifyNodeToken(ring, text)).toBeUndefined();
          expect(verifyFeedToken(ring, text)).toBe(false);
          expect(verifyOperatorToken(ring, text)).toBe(false);
        },
      ),
    );
    expect(verifyJoinToken(ring, "a.".repeat(1_000_000))).toBeUndefined();
  });
});
