import { afterEach, describe, expect, it } from "@jest/globals";
import { feedPath } from "../../fleet/feed/feed-lines.ts";
import { bucketOf } from "../../api/client-address.ts";
import { signOperatorToken } from "../../runtime/node-tokens.ts";
import { NodeApiWorld, type NodeApiWorldOptions } from "../support/node-api.ts";

let world: NodeApiWorld | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

/** An API that lets one look-up of each client through. The test itself calls from the loopback address. */
async function strict(options: NodeApiWorldOptions = {}): Promise<NodeApiWorld> {
  world = await NodeApiWorld.open({ ...options, rateLimits: { perPlayer: { perSecond: 0.001, burst: 1 } } });
  return world;
}

/** How many of these look-ups were let through. */
async function passed(api: NodeApiWorld, headers: readonly Readonly<Record<string, string>>[]): Promise<number> {
  const statuses: number[] = [];
  for (const each of headers) statuses.push((await api.lookUp("publish", undefined, each)).status);
  return statuses.filter((status) => status !== 429).length;
}

const from = (...addresses: readonly string[]) => addresses.map((address) => ({ "X-Forwarded-For": address }));

describe("clients behind a proxy", () => {
  it("share one bucket where nobody is trusted", async () => {
    expect(await passed(await strict(), from("203.0.113.1", "203.0.113.2", "203.0.113.3"))).toBe(1);
  });

  it("have a bucket each where the proxy is trusted, which is the last address that is no proxy's", async () => {
    const api = await strict({ trustedProxies: ["127.0.0.0/8", "::1", "10.0.0.0/8"] });
    expect(await passed(api, from("203.0.113.1", "203.0.113.2", "203.0.113.1, 10.0.0.9"))).toBe(2);
    // What a client writes before its own address is not looked at.
    expect(await passed(api, from("198.51.100.1, 203.0.113.1", "198.51.100.2, 203.0.113.2"))).toBe(0);
  });

  it("share one bucket in a network of 64 bits, and have that of the proxy where it passes on nonsense", async () => {
    const api = await strict({ trustedProxies: ["127.0.0.1", "::1"] });
    expect(await passed(api, from("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"))).toBe(2);
    expect(await passed(api, from("unknown", "nobody", "x".repeat(500)))).toBe(1);
  });

  it("are not believed where the proxy is of another network", async () => {
    const api = await strict({ trustedProxies: ["10.0.0.0/8"] });
    expect(await passed(api, from("203.0.113.1", "203.0.113.2"))).toBe(1);
  });

  it("guess tokens at the cost of their own address", async () => {
    world = await NodeApiWorld.open({
      trustedProxies: ["127.0.0.1", "::1"],
      rateLimits: { strangers: { perSecond: 0.001, burst: 1 } },
    });
    const guess = async (address: string) => {
      const headers = { "X-Forwarded-For": address, Authorization: "Bearer x" };
      return (await world!.get(feedPath, headers)).status;
    };
    const statuses = [await guess("203.0.113.1"), await guess("203.0.113.1"), await guess("203.0.113.2")];
    expect(statuses.map((status) => status === 429)).toEqual([false, true, false]);
  });
});

describe("a simulation on this machine", () => {
  const many = ["fd53:0:1::1", "fd53:0:2::1", "fd53:0:3::1"];

  it("has a bucket for each of its viewers with an operator's token, and with nobody else's", async () => {
    const api = await strict();
    const as = (token: string) => from(...many).map((each) => ({ ...each, Authorization: `Bearer ${token}` }));
    expect(await passed(api, as(signOperatorToken(api.keys.current)))).toBe(3);
    expect(await passed(api, as(api.nodeToken("i-1")))).toBe(1);
    expect(await passed(api, as("guess"))).toBe(0);
  });
});

describe("a bucket", () => {
  it.each([
    ["203.0.113.9", "203.0.113.9"],
    ["::ffff:203.0.113.9", "203.0.113.9"],
    ["2001:DB8::1", "2001:db8:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["", "192.0.2.1"],
    ["not an address", "192.0.2.1"],
  ])("of %j is %s", (address, bucket) => {
    expect(bucketOf(address, "192.0.2.1")).toBe(bucket);
  });

  it("is one for all of whom nothing is known", () => {
    expect(bucketOf("x", "y")).toBe("unknown");
  });
});
