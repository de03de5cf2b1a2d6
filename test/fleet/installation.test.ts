import { beforeEach, describe, expect, it } from "@jest/globals";
import { customResourceDefinitions } from "../../crds/definitions.ts";
import { type Kind, kinds, resourceType } from "../../crds/names.ts";
import { nodeGroupSchema } from "../../crds/node-group.ts";
import { assertKinds, assertNamespace, kindsGone } from "../../fleet/installation.ts";
import { listFor } from "../../fleet/missing-kind.ts";
import { EmbeddedApi } from "../../local/kube/embedded-api.ts";
import { ObjectStore } from "../../local/kube/object-store.ts";
import { ApiError, type KubernetesApi } from "../../runtime/kubernetes-api.ts";
import { ResourceClient } from "../../runtime/resource-client.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { nodeGroupManifest } from "../support/manifests.ts";

const group = { namespace: "default", name: "live" };
const signal = new AbortController().signal;

/** The product's API, without some kinds. */
function apiWithout(...missing: readonly Kind[]): EmbeddedApi {
  const plurals = missing.map((kind) => kinds[kind].plural as string);
  const crds = customResourceDefinitions().filter((crd) => !plurals.includes(pluralOf(crd)));
  const options = { crds, store: new ObjectStore(), clock: new FakeClock(), namespaces: ["streamfleet-system"] };
  let uids = 0;
  return new EmbeddedApi({ ...options, newUid: () => `uid-${uids++}` });
}

function pluralOf(crd: unknown): string {
  return (crd as { readonly spec: { readonly names: { readonly plural: string } } }).spec.names.plural;
}

async function withGroup(api: KubernetesApi, { leaving }: { readonly leaving: boolean }): Promise<void> {
  const metadata = { ...group, finalizers: ["streamfleet.dev/nodes"] };
  await api.create(resourceType("NodeGroup"), { ...nodeGroupManifest(), metadata });
  if (leaving) await api.delete(resourceType("NodeGroup"), group);
}

describe("kinds that the cluster does not know", () => {
  it("are none where all definitions are there", async () => {
    expect(await kindsGone(apiWithout())).toEqual(new Set());
  });

  it("are told where every group that is left is being deleted", async () => {
    const api = apiWithout("LaunchBatch", "ScalePolicy");
    await withGroup(api, { leaving: true });
    expect(await kindsGone(api)).toEqual(new Set(["LaunchBatch", "ScalePolicy"]));
  });

  it("keep an operator from starting where a group lives on", async () => {
    const api = apiWithout("LaunchBatch", "StreamNode");
    await withGroup(api, { leaving: false });
    await expect(kindsGone(api)).rejects.toThrow(
      "the cluster does not know LaunchBatches, StreamNodes: install the definitions with: kubectl apply -f crds/",
    );
  });

  it("keep an operator from starting where nothing is left, or nothing was ever there", async () => {
    await expect(kindsGone(apiWithout("LaunchBatch"))).rejects.toThrow("the cluster does not know LaunchBatches");
    const everything = Object.keys(kinds) as Kind[];
    await expect(kindsGone(apiWithout(...everything))).rejects.toThrow("install the definitions");
  });

  it("are asked for one by one where only some are needed", async () => {
    await assertKinds(apiWithout("LaunchBatch"), ["NodeGroup", "StreamNode"]);
    await expect(assertKinds(apiWithout("StreamNode"), ["NodeGroup", "StreamNode"])).rejects.toThrow("StreamNodes");
  });
});

describe("the operator's namespace", () => {
  it("is missed at once", async () => {
    await assertNamespace(apiWithout(), "streamfleet-system");
    await expect(assertNamespace(apiWithout(), "elsewhere")).rejects.toThrow("kubectl create namespace elsewhere");
  });
});

describe("objects for a group", () => {
  let api: EmbeddedApi;
  const client = (of: KubernetesApi) =>
    new ResourceClient({ api: of, type: resourceType("LaunchBatch"), parse: (raw) => raw });
  const read = async () => nodeGroupSchema.parse(await api.get(resourceType("NodeGroup"), group));

  beforeEach(() => {
    api = apiWithout("LaunchBatch");
  });

  it("are none of a kind that is missing, while the group is being deleted", async () => {
    await withGroup(api, { leaving: true });
    expect(await listFor(await read(), client(api), { namespace: "default" }, signal)).toEqual([]);
  });

  it("are not known otherwise: nothing follows from a kind that is missing", async () => {
    await withGroup(api, { leaving: false });
    await expect(listFor(await read(), client(api), { namespace: "default" }, signal)).rejects.toThrow(ApiError);
  });

  it.each([403, 500, 503])("are not known where the server answers %i, deleted or not", async (code) => {
    await withGroup(api, { leaving: true });
    const refusing = { list: () => Promise.reject(new ApiError(code, "Any", "no")) };
    await expect(listFor(await read(), refusing, { namespace: "default" }, signal)).rejects.toThrow("no");
  });
});
