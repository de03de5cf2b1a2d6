import { describe } from "@jest/globals";
import { InformedStreamNodeDirectory } from "../../fleet/stream-node-directory.ts";
import { streamNodeIndexers } from "../../fleet/indexes.ts";
import { finalizers, resourceType } from "../../crds/names.ts";
import { type StreamNode, streamNodeSchema } from "../../crds/stream-node.ts";
import type { EmbeddedApi } from "../../local/kube/embedded-api.ts";
import { Informer } from "../../runtime/informer.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { describeStreamNodeDirectory, type DirectoryUnderTest } from "../conformance/stream-node-directory.ts";
import { productApi } from "../support/embedded-api.ts";
import { until } from "../support/eventually.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { KnownNodes } from "../support/known-nodes.ts";
import { namespace, type NodeChange, nodeDraft, streamNode, toldToEnd } from "../support/node-api.ts";

const type = resourceType("StreamNode");

async function followedCluster(api: EmbeddedApi): Promise<Informer<StreamNode>> {
  const informer = new Informer<StreamNode>({
    ...{ api, type, parse: (raw) => streamNodeSchema.parse(raw), indexers: streamNodeIndexers },
    ...{ clock: new FakeClock(), random: () => 0, logger: silentLogger, metrics: createMetrics() },
  });
  informer.start();
  await informer.whenSynced();
  return informer;
}

async function onCluster(): Promise<DirectoryUnderTest> {
  const api = productApi({ namespaces: [namespace] });
  const informer = await followedCluster(api);
  const known = (name: string): StreamNode | undefined => informer.get(`${namespace}/${name}`);
  const create = async (change: NodeChange, claim: (uid: string | undefined) => string | undefined): Promise<void> => {
    const { metadata, spec } = nodeDraft(change);
    const kept = { ...metadata, finalizers: [finalizers.machine] };
    const made = { apiVersion: "streamfleet.dev/v1alpha1", kind: "StreamNode", metadata: kept, spec };
    const claimedUid = claim((await api.create(type, made)).metadata.uid);
    if (claimedUid !== undefined) {
      const address = { namespace, name: metadata.name };
      await api.mergePatch(type, address, { status: { claimedUid } }, { subresource: "status" });
    }
    await until("it is known", () => known(metadata.name)?.status?.claimedUid === claimedUid);
  };
  return {
    directory: new InformedStreamNodeDirectory(informer),
    create: (change) => create(change, (uid) => uid),
    createForeign: (change, claimedUid) => create(change, () => claimedUid),
    markToldToEnd: async (name, claimedUid) => {
      const node = known(name);
      if (node === undefined) throw new Error(`there is no ${name}`);
      const status = { ...toldToEnd(node), ...(claimedUid !== undefined && { claimedUid }) };
      await api.mergePatch(type, { namespace, name }, { status }, { subresource: "status" });
      await until("it is known", () => known(name)?.status?.claimedUid !== undefined);
    },
    markDeleted: async (name) => {
      await api.delete(type, { namespace, name });
      await until("the mark is known", () => known(name)?.metadata.deletionTimestamp !== undefined);
    },
    remove: async (name) => {
      const marked = known(name)?.metadata.deletionTimestamp !== undefined;
      await api.mergePatch(type, { namespace, name }, { metadata: { finalizers: null } });
      if (!marked) await api.delete(type, { namespace, name });
      await until("it is gone", () => known(name) === undefined);
    },
    close: async () => {
      await informer.stop();
      api.close();
    },
  };
}

function onKnownNodes(): Promise<DirectoryUnderTest> {
  const nodes = new KnownNodes();
  const change = (name: string, act: (node: StreamNode) => void): Promise<void> => {
    const node = nodes.get(`${namespace}/${name}`);
    if (node === undefined) throw new Error(`there is no ${name}`);
    act(node);
    return Promise.resolve();
  };
  return Promise.resolve({
    directory: new InformedStreamNodeDirectory(nodes),
    create: (draft) => {
      nodes.learn(streamNode(draft));
      return Promise.resolve();
    },
    createForeign: (draft, claimedUid) => {
      const node = streamNode(draft);
      nodes.learn({ ...node, status: { ...node.status, claimedUid } });
      return Promise.resolve();
    },
    markToldToEnd: (name, claimedUid) =>
      change(name, (node) => {
        const status = { ...toldToEnd(node), ...(claimedUid !== undefined && { claimedUid }) };
        nodes.learn({ ...node, status });
      }),
    markDeleted: (name) =>
      change(name, (node) => {
        nodes.learn({ ...node, metadata: { ...node.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } });
      }),
    remove: (name) => change(name, (node) => nodes.lose(node)),
    close: () => Promise.resolve(),
  });
}

describe("the directory on the informer of a cluster", () => {
  describeStreamNodeDirectory(onCluster);
});

describe("the directory on the nodes of a test", () => {
  describeStreamNodeDirectory(onKnownNodes);
});
