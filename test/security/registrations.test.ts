/** A machine that registers again and again, and a mate that does so in its name. */
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { NodeApiWorld } from "../support/node-api.ts";

let world: NodeApiWorld;
beforeEach(async () => {
  world = await NodeApiWorld.open();
  await world.addNode();
});
afterEach(() => world.close());

async function answers(calls: number, from?: string): Promise<readonly number[]> {
  const seen: number[] = [];
  for (let call = 0; call < calls; call++) {
    seen.push((await world.register({ bootId: `boot-${call}` }, world.joinToken(), from)).status);
  }
  return seen;
}

describe("registrations of one machine", () => {
  it("are limited, each being a write, and go on once it has waited", async () => {
    const seen = await answers(20);
    expect(seen.slice(0, 10)).toEqual(Array(10).fill(200));
    expect(seen.slice(10)).toEqual(Array(10).fill(429));
    await world.clock.advance(60_000);
    expect(await answers(1)).toEqual([200]);
  });

  it("are not used up by a mate that claims to be the machine", async () => {
    const seen = await answers(20, "198.18.0.9");
    expect(new Set(seen)).toEqual(new Set([403, 429]));
    expect(await answers(1)).toEqual([200]);
  });
});
