import { beforeEach, describe, expect, it } from "@jest/globals";
import type { EmbeddedApi } from "../../local/kube/embedded-api.ts";
import { ApiError, type KubernetesObject } from "../../runtime/kubernetes-api.ts";
import { type Resource, ResourceClient } from "../../runtime/resource-client.ts";
import { widgetApi } from "../support/embedded-api.ts";
import { OrderedFaults } from "../support/ordered-faults.ts";
import { widgetType } from "../support/widget-crd.ts";

interface Widget extends Resource {
  readonly size: number;
  readonly ready: number | undefined;
}

function parse(raw: KubernetesObject): Widget {
  const { size } = raw["spec"] as { size: number };
  const status = raw["status"] as { ready?: number } | undefined;
  return { metadata: raw.metadata, size, ready: status?.ready };
}

const at = { namespace: "default", name: "a" };
const draft = { metadata: at, spec: { size: 1, platform: "simulated" } };

let faults: OrderedFaults;
let api: EmbeddedApi;
let widgets: ResourceClient<Widget>;

beforeEach(() => {
  faults = new OrderedFaults();
  api = widgetApi({ faults: faults.around });
  widgets = new ResourceClient({ api, type: widgetType, parse });
});

async function created(): Promise<Widget> {
  const outcome = await widgets.create(draft);
  if (outcome.kind !== "Created") throw new Error("it existed");
  return outcome.object;
}

describe("resource client", () => {
  it("creates with the kind of its type, and reads it parsed", async () => {
    await created();
    expect(await widgets.get(at)).toMatchObject({ size: 1, metadata: at });
    expect(await api.get(widgetType, at)).toMatchObject({
      apiVersion: "conformance.streamfleet.dev/v1",
      kind: "Widget",
    });
  });

  it("gives undefined for what does not exist", async () => {
    expect(await widgets.get(at)).toBeUndefined();
  });

  it("says that an object exists already", async () => {
    await created();
    expect(await widgets.create(draft)).toEqual({ kind: "AlreadyExists" });
  });

  it("patches the status of what it has read", async () => {
    const outcome = await widgets.patchStatus(await created(), { ready: 1 });
    expect(outcome).toMatchObject({ kind: "Patched", object: { size: 1, ready: 1 } });
  });

  it("patches the object, keeping the rest of its metadata", async () => {
    const outcome = await widgets.patch(await created(), { metadata: { labels: { a: "b" } }, spec: { size: 2 } });
    expect(outcome).toMatchObject({ kind: "Patched", object: { size: 2, metadata: { ...at, labels: { a: "b" } } } });
  });

  it.each(["patch", "patchStatus"] as const)("%s gives Conflict for what has changed since", async (method) => {
    const old = await created();
    await widgets.patch(old, { spec: { size: 2 } });
    expect(await widgets[method](old, { spec: { size: 3 } })).toEqual({ kind: "Conflict" });
    expect(await widgets.get(at)).toMatchObject({ size: 2 });
  });

  it("gives NotFound for patches and deletions of what is gone", async () => {
    const gone = await created();
    expect(await widgets.delete(gone)).toEqual({ kind: "Deleted" });
    expect(await widgets.patchStatus(gone, {})).toEqual({ kind: "NotFound" });
    expect(await widgets.delete(gone)).toEqual({ kind: "NotFound" });
  });

  it("does not delete another object of the same name", async () => {
    const first = await created();
    await widgets.delete(first);
    await created();
    expect(await widgets.delete(first)).toEqual({ kind: "Conflict" });
  });

  it("deletes what is to be unchanged only if it is, and is the same object", async () => {
    const old = await created();
    await widgets.patch(old, { spec: { size: 2 } });
    expect(await widgets.deleteUnchanged(old)).toEqual({ kind: "Conflict" });
    const current = await widgets.get(at);
    expect(await widgets.deleteUnchanged(current!)).toEqual({ kind: "Deleted" });
    expect(await widgets.deleteUnchanged(current!)).toEqual({ kind: "NotFound" });
  });

  it("refuses to patch what was not read", async () => {
    const { size, ready } = await created();
    const patched = (): unknown => widgets.patch({ metadata: at, size, ready }, {});
    expect(patched).toThrow("a has no resourceVersion: change only what was read");
  });

  it("adds a finalizer once and removes it again", async () => {
    const first = await widgets.addFinalizer(await created(), "test.dev/a");
    if (first.kind !== "Patched") throw new Error(first.kind);
    expect(first.object.metadata.finalizers).toEqual(["test.dev/a"]);
    const second = await widgets.addFinalizer(first.object, "test.dev/b");
    if (second.kind !== "Patched") throw new Error(second.kind);
    const calls = faults.calls.length;
    expect(await widgets.addFinalizer(second.object, "test.dev/a")).toEqual(second);
    expect(await widgets.removeFinalizer(second.object, "test.dev/c")).toEqual(second);
    expect(faults.calls).toHaveLength(calls);
    const third = await widgets.removeFinalizer(second.object, "test.dev/a");
    expect(third).toMatchObject({ kind: "Patched", object: { metadata: { finalizers: ["test.dev/b"] } } });
  });

  it("lists to the end", async () => {
    const names = Array.from({ length: 501 }, (_, index) => `w${String(index).padStart(3, "0")}`);
    for (const name of names) await widgets.create({ ...draft, metadata: { ...at, name } });
    const listed = await widgets.list({ namespace: "default" });
    expect(listed.map(({ metadata }) => metadata.name)).toEqual(names);
    expect(faults.calls.filter((verb) => verb === "list")).toHaveLength(2);
  });

  it.each(["get", "create", "patch", "patchStatus", "delete"] as const)(
    "%s throws any other refusal",
    async (method) => {
      const object = await created();
      faults.refuseAll(new ApiError(403, "Forbidden", "not you"));
      const calls = {
        get: () => widgets.get(at),
        create: () => widgets.create(draft),
        patch: () => widgets.patch(object, {}),
        patchStatus: () => widgets.patchStatus(object, {}),
        delete: () => widgets.delete(object),
      };
      await expect(calls[method]()).rejects.toMatchObject({ code: 403 });
    },
  );
});
