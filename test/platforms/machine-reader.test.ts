/** Reads of machines: those who ask together share a call, and what is not known is said as that. */
import { describe, expect, it } from "@jest/globals";
import type { PlatformError } from "../../domain/launch/platform-error.ts";
import { failed } from "../../domain/result.ts";
import { MachineReader } from "../../platforms/machine-reader.ts";
import { mostReadAtOnce } from "../../platforms/platform.ts";
import { launchRequest, simulatedWorld, valueOf } from "../support/simulated-cloud.ts";

const region = "sim-east";
const { signal } = new AbortController();

async function readerWorld(machines: number, callMs = 100) {
  const world = simulatedWorld({ callMs });
  const calls: number[] = [];
  const platform = {
    read: (name: string, id: string, abort: AbortSignal) => {
      calls.push(1);
      return world.platform.read(name, id, abort);
    },
    readMany: (name: string, ids: readonly string[], abort: AbortSignal) => {
      calls.push(ids.length);
      return world.platform.readMany(name, ids, abort);
    },
  };
  const ids: string[] = [];
  for (let at = 0; at < machines; at += 50) {
    const launching = world.platform.launch(
      launchRequest({ token: `token-${at}`, count: Math.min(50, machines - at) }),
      signal,
    );
    await world.clock.advance(callMs);
    ids.push(...valueOf(await launching).map(({ providerId }) => providerId));
  }
  await world.clock.advance(10_000);
  const reader = new MachineReader(region, { platform, clock: world.clock, timeoutMs: 5_000 });
  return { ...world, reader, calls, ids };
}

describe("a reader of machines", () => {
  it("answers each who asks with the machine, in few calls", async () => {
    const { reader, calls, ids, clock } = await readerWorld(250);
    const reading = Promise.all(ids.map((id) => reader.read(id)));
    await clock.advance(1_000);
    expect((await reading).map((answer) => valueOf(answer).providerId)).toEqual(ids);
    expect(calls).toEqual([1, mostReadAtOnce, mostReadAtOnce, 49]);
  });

  it("answers NotFound for the one that is not known, and the others all the same", async () => {
    const { reader, ids, clock } = await readerWorld(2);
    const reading = Promise.all([ids[0]!, "sim-unknown", ids[1]!, ids[1]!].map((id) => reader.read(id)));
    await clock.advance(1_000);
    const [first, unknown, second, twice] = await reading;
    expect([first, second, twice].every((answer) => answer?.ok)).toBe(true);
    expect(unknown).toMatchObject({ ok: false, error: { kind: "NotFound" } });
  });

  it.each([
    ["a refusal", () => Promise.resolve(failed<PlatformError>({ kind: "Throttled", message: "later" })), "Throttled"],
    ["a defect", () => Promise.reject(new Error("defect")), "Unavailable"],
    ["a throw", () => { throw new Error("defect"); }, "Unavailable"], // prettier-ignore
  ])("passes %s on to all who asked, and reads again for those who ask later", async (_what, fails, kind) => {
    const { clock, platform, ids } = await readerWorld(2, 0);
    const answers = [fails];
    const failing = {
      read: (name: string, id: string, abort: AbortSignal) => answers.pop()?.() ?? platform.read(name, id, abort),
      readMany: platform.readMany.bind(platform),
    };
    const reader = new MachineReader(region, { platform: failing, clock, timeoutMs: 5_000 });
    expect(await reader.read(ids[0]!)).toMatchObject({ ok: false, error: { kind } });
    expect(await reader.read(ids[0]!)).toMatchObject({ ok: true });
  });

  it("gives a call up that does not end, and goes on", async () => {
    const { clock, platform, ids } = await readerWorld(1, 0);
    let hangs = true;
    const hanging = {
      read: (name: string, id: string, abort: AbortSignal) =>
        hangs ? new Promise<never>(() => undefined) : platform.read(name, id, abort),
      readMany: platform.readMany.bind(platform),
    };
    const reader = new MachineReader(region, { platform: hanging, clock, timeoutMs: 5_000 });
    const first = reader.read(ids[0]!);
    await clock.advance(5_000);
    expect(await first).toMatchObject({ ok: false, error: { kind: "Unavailable" } });
    hangs = false;
    expect(await reader.read(ids[0]!)).toMatchObject({ ok: true });
    expect(clock.pendingTimers).toBe(0);
  });
});
