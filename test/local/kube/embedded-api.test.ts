import { describe, expect, it } from "@jest/globals";
import { type ApiCall, EmbeddedApi } from "../../../local/kube/embedded-api.ts";
import { StatusError } from "../../../local/kube/status.ts";
import { ObjectStore } from "../../../local/kube/object-store.ts";
import type { KubernetesObject, WatchEvent } from "../../../runtime/kubernetes-api.ts";
import { widgetApi } from "../../support/embedded-api.ts";
import { FakeClock, settle } from "../../support/fake-clock.ts";
import { widgetCrd, widgetType } from "../../support/widget-crd.ts";

const namespace = "default";
const eventType = { group: "", version: "v1", kind: "Event", plural: "events", namespaced: true };

const widget = (name: string, metadata: object = {}): KubernetesObject => ({
  apiVersion: "conformance.streamfleet.dev/v1",
  kind: "Widget",
  metadata: { name, namespace, ...metadata },
  spec: { size: 1, platform: "aws" },
});

const event = (name: string): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Event",
  metadata: { name, namespace },
  involvedObject: { namespace },
});

async function firstEvents(api: EmbeddedApi, resourceVersion: string, count: number): Promise<readonly WatchEvent[]> {
  const end = new AbortController();
  const seen: WatchEvent[] = [];
  for await (const next of api.watch(widgetType, { namespace, resourceVersion }, end.signal)) {
    if (seen.push(next) === count) end.abort();
  }
  return seen;
}

describe("the embedded API", () => {
  it("lets faults strike before a verb and after it", async () => {
    const calls: ApiCall[] = [];
    const api = widgetApi({
      faults: (call) => {
        calls.push(call);
        if (call.verb === "create" && call.moment === "After" && call.address.name === "lost")
          throw new Error("cut off");
        if (call.verb === "get" && call.moment === "Before" && call.address.name === "down") throw new Error("down");
      },
    });
    await expect(api.create(widgetType, widget("lost"))).rejects.toThrow("cut off");
    expect(await api.get(widgetType, { namespace, name: "lost" })).toBeDefined();
    await expect(api.get(widgetType, { namespace, name: "down" })).rejects.toThrow("down");
    expect(calls.at(-1)).toEqual({
      verb: "get",
      type: widgetType,
      address: { namespace, name: "down" },
      moment: "Before",
    });
  });

  it("breaks a watch by a fault", async () => {
    const api = widgetApi({
      faults: ({ verb, moment }) => {
        if (verb === "watch" && moment === "After") throw new Error("reset");
      },
    });
    await api.create(widgetType, widget("a"));
    await expect(firstEvents(api, "0", 1)).rejects.toThrow("reset");
  });

  it("hands out objects that cannot be changed", async () => {
    const api = widgetApi();
    const created = await api.create(widgetType, widget("a"));
    expect(() => Object.assign(created, { spec: 1 })).toThrow(TypeError);
    expect(() => Object.assign(created["spec"] as object, { size: 2 })).toThrow(TypeError);
  });

  it("tells a watch that its version is forgotten", async () => {
    const api = widgetApi({ historySize: 5 });
    for (let i = 0; i < 20; i++) await api.create(widgetType, widget(`w-${i}`));
    expect(await firstEvents(api, "1", 1)).toMatchObject([{ type: "ERROR", code: 410 }]);
    const { metadata } = await api.list(widgetType, { namespace });
    await expect(firstEvents(api, String(Number(metadata.resourceVersion) - 1), 1)).resolves.toMatchObject([
      { type: "ADDED", object: { metadata: { name: "w-19" } } },
    ]);
  });

  it("forgets the oldest of many open lists, and goes on where one asks for it", async () => {
    const api = widgetApi();
    for (let i = 0; i < 4; i++) await api.create(widgetType, widget(`w-${i}`));
    const first = await api.list(widgetType, { namespace, limit: 2 });
    for (let i = 0; i < 20; i++) await api.list(widgetType, { namespace, limit: 1 });
    const token = first.metadata.continue ?? "";
    const refused: unknown = await api
      .list(widgetType, { namespace, limit: 2, continue: token })
      .catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 410, reason: "Expired" });
    const again = refused instanceof StatusError ? (refused.continueToken ?? "") : "";
    const rest = await api.list(widgetType, { namespace, continue: again });
    expect(rest.items.map((item) => item.metadata.name)).toEqual(["w-2", "w-3"]);
  });

  it("sends bookmarks each minute and ends in time", async () => {
    const clock = new FakeClock();
    const api = widgetApi({ clock });
    const options = { namespace, resourceVersion: "0", allowWatchBookmarks: true, timeoutSeconds: 150 };
    const seen: string[] = [];
    const reading = (async () => {
      for await (const next of api.watch(widgetType, options, new AbortController().signal)) seen.push(next.type);
    })();
    await clock.advance(150_000);
    await reading;
    expect(seen).toEqual(["BOOKMARK", "BOOKMARK"]);
    expect(clock.pendingTimers).toBe(0);
  });

  it("finishes after a start what a crash left undone", async () => {
    const store = new ObjectStore();
    const options = { crds: [widgetCrd], store, clock: new FakeClock(), newUid: () => String(store.revision) };
    const before = new EmbeddedApi(options);
    const owner = await before.create(widgetType, widget("owner"));
    const { apiVersion, kind, metadata } = owner;
    const ownerReferences = [{ apiVersion, kind, name: "owner", uid: metadata.uid }];
    await before.create(widgetType, widget("child", { ownerReferences }));
    await before.delete(widgetType, { namespace, name: "owner" });
    before.close();
    expect(store.list(`widgets.${widgetType.group}`)).toHaveLength(1);
    new EmbeddedApi(options);
    await settle();
    expect(store.list(`widgets.${widgetType.group}`)).toEqual([]);
  });

  it("keeps what belongs to a kind that it does not know", async () => {
    const api = widgetApi();
    const ownerReferences = [{ apiVersion: "apps/v1", kind: "Deployment", name: "d", uid: "u" }];
    await api.create(widgetType, widget("kept", { ownerReferences }));
    await settle();
    expect(await api.get(widgetType, { namespace, name: "kept" })).toBeDefined();
  });

  it("forgets events an hour after they were last seen", async () => {
    const clock = new FakeClock();
    const api = widgetApi({ clock });
    await api.create(eventType, event("old"));
    await api.create(eventType, event("seen-again"));
    await clock.advance(3_000_000);
    await api.mergePatch(eventType, { namespace, name: "seen-again" }, { count: 2 });
    await clock.advance(700_000);
    await api.create(eventType, event("new"));
    const { items } = await api.list(eventType, { namespace });
    expect(items.map((item) => item.metadata.name)).toEqual(["new", "seen-again"]);
  });

  it("refuses a definition whose rule it cannot compile, and names it", () => {
    const crd = structuredClone(widgetCrd) as unknown as {
      spec: { versions: { schema: { openAPIV3Schema: object } }[] };
    };
    Object.assign(crd.spec.versions[0]?.schema.openAPIV3Schema ?? {}, {
      "x-kubernetes-validations": [{ rule: "self.nope(" }],
    });
    const options = { store: new ObjectStore(), clock: new FakeClock(), newUid: () => "u" };
    expect(() => new EmbeddedApi({ ...options, crds: [crd] })).toThrow(
      /widgets\.conformance\.streamfleet\.dev: the rule "self\.nope\("/,
    );
    expect(() => new EmbeddedApi({ ...options, crds: [{ kind: "Pod" }] })).toThrow(
      /not a usable CustomResourceDefinition/,
    );
  });
});
