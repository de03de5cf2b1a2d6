import { beforeEach, describe, expect, it } from "@jest/globals";
import type { KubernetesObject } from "../../runtime/kubernetes-api.ts";
import { InvalidKeysError, type KeyRing, loadKeyRing, nodeKeysSecretName } from "../../runtime/key-ring.ts";
import type { EmbeddedApi } from "../../local/kube/embedded-api.ts";
import { widgetApi } from "../support/embedded-api.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { OrderedFaults } from "../support/ordered-faults.ts";
import { RecordingLogger } from "../support/recording-logger.ts";

const namespace = "streamfleet-system";
const secretType = { group: "", version: "v1", kind: "Secret", plural: "secrets", namespaced: true };
const bytes = (value: number) => Buffer.alloc(32, value);

let faults: OrderedFaults;
let api: EmbeddedApi;
let clock: FakeClock;

beforeEach(() => {
  faults = new OrderedFaults();
  api = widgetApi({ faults: faults.around, namespaces: [namespace] });
  clock = new FakeClock();
});

const load = (value: number, seed?: Uint8Array): Promise<KeyRing> =>
  loadKeyRing(api, namespace, { clock, random: () => bytes(value), ...(seed !== undefined && { seed }) });
const stored = (): Promise<KubernetesObject> => api.get(secretType, { namespace, name: nodeKeysSecretName });
const write = (data: Readonly<Record<string, string | null>>): Promise<KubernetesObject> =>
  api.mergePatch(secretType, { namespace, name: nodeKeysSecretName }, { data });

describe("the key ring", () => {
  it("creates its Secret when there is none, and finds it the next time", async () => {
    const first = await load(1);
    expect((await stored())["data"]).toEqual({ current: bytes(1).toString("base64") });
    const second = await load(2);
    expect(second.current).toEqual(first.current);
    expect(Buffer.from(second.current.secret)).toEqual(bytes(1));
  });

  it("begins with the seed where one is given", async () => {
    const ring = await load(1, bytes(9));
    expect(Buffer.from(ring.current.secret)).toEqual(bytes(9));
  });

  it("is the same for two processes that create it at once", async () => {
    const [one, two] = await Promise.all([load(1), load(2)]);
    expect(one.current).toEqual(two.current);
  });

  it("knows two keys after a rotation, and forgets the one before", async () => {
    const ring = await load(1);
    const old = ring.current;
    await write({ previous: bytes(1).toString("base64"), current: bytes(2).toString("base64") });
    await ring.refresh();
    expect(ring.current.id).not.toBe(old.id);
    expect(ring.find(old.id)).toEqual(old);
    await write({ previous: bytes(2).toString("base64"), current: bytes(3).toString("base64") });
    await ring.refresh();
    expect(ring.find(old.id)).toBeUndefined();
  });

  it("reads again for an unknown key, but not too often", async () => {
    const ring = await load(1);
    const reads = () => faults.calls.filter((verb) => verb === "get").length;
    const before = reads();
    await ring.refreshFor("unknown");
    await ring.refreshFor(ring.current.id);
    expect(reads()).toBe(before);
    await clock.advance(5_000);
    await Promise.all([ring.refreshFor("unknown"), ring.refreshFor("unknown")]);
    await ring.refreshFor("unknown");
    expect(reads()).toBe(before + 1);
  });

  it("refreshes at intervals, also after a failure, until it is told to stop", async () => {
    const ring = await load(1);
    const logger = new RecordingLogger();
    const stop = ring.refreshEvery(60_000, logger);
    faults.refuseAll(new Error("no answer"));
    await clock.advance(60_000);
    expect(logger.lines).toHaveLength(1);
    expect(JSON.stringify(logger.lines)).not.toContain(bytes(1).toString("base64"));
    faults.end();
    await write({ current: bytes(2).toString("base64") });
    await clock.advance(60_000);
    expect(Buffer.from(ring.current.secret)).toEqual(bytes(2));
    stop();
    expect(clock.pendingTimers).toBe(0);
  });

  it("is written back when the Secret has vanished, so that machines that run can still call", async () => {
    const ring = await load(1);
    await api.delete(secretType, { namespace, name: nodeKeysSecretName });
    await ring.refresh();
    expect((await stored())["data"]).toEqual({ current: bytes(1).toString("base64") });
  });

  it.each([
    ["is too short", { current: "YWJj" }, "holds 3 bytes in `current`"],
    ["is missing", { current: null }, "has no field `current`"],
    ["before is too short", { previous: "YWJj" }, "holds 3 bytes in `previous`"],
  ])("refuses a Secret whose key %s, in a line that says what to write", async (_name, data, what) => {
    await load(1);
    await write(data);
    const refusal = await load(2).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(InvalidKeysError);
    expect((refusal as Error).message).toContain(what);
    expect((refusal as Error).message).toMatch(/write 32 random bytes/);
  });
});
