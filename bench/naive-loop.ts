/**
 * The peer: an operator as a tutorial would have it. An informer of the client library, and a loop that lists everything,
 * compares it with the machines, and patches what differs. It has no queue, no index, no deadline and no second thoughts.
 */
import {
  CustomObjectsApi,
  KubeConfig,
  makeInformer,
  type KubernetesObject as LibraryObject,
} from "@kubernetes/client-node";
import { apiGroup, apiVersionName } from "../crds/names.ts";
import type { StreamNode } from "../crds/stream-node.ts";
import type { LoadFeed } from "../domain/ports.ts";
import type { Machine } from "../domain/node/machine.ts";
import { clusterTag } from "../domain/node/ownership.ts";
import { kubeconfig } from "../local/kube/kubeconfig.ts";
import type { CloudPlatform } from "../platforms/platform.ts";
import { clusterId } from "./installation.ts";
import { regions } from "./resting-fleet.ts";

/** What the library hands out: nobody has looked whether it is one. */
type Raw = LibraryObject & Pick<StreamNode, "spec" | "status">;

export interface NaiveLoopOptions {
  /** Of the Kubernetes API. */
  readonly url: string;
  readonly platform: CloudPlatform;
  readonly feed: Pick<LoadFeed, "latest">;
}

export interface NaivePass {
  readonly objects: number;
  readonly patches: number;
  readonly cloudCalls: number;
}

export class NaiveLoop {
  readonly #options: NaiveLoopOptions;
  readonly #api: CustomObjectsApi;
  readonly #informer: ReturnType<typeof makeInformer<Raw>>;

  constructor(options: NaiveLoopOptions) {
    const config = new KubeConfig();
    config.loadFromString(kubeconfig(options.url));
    this.#options = options;
    this.#api = config.makeApiClient(CustomObjectsApi);
    const [group, version, plural] = [apiGroup, apiVersionName, "streamnodes"];
    const list = () => this.#api.listCustomObjectForAllNamespaces({ group, version, resourcePlural: plural });
    this.#informer = makeInformer<Raw>(
      config,
      `/apis/${group}/${version}/${plural}`,
      list as Parameters<typeof makeInformer<Raw>>[2],
    );
  }

  start(): Promise<void> {
    return this.#informer.start();
  }

  stop(): Promise<void> {
    return this.#informer.stop();
  }

  /** Looks at every object once. */
  async pass(): Promise<NaivePass> {
    const machines = await this.#machines();
    const objects = this.#informer.list();
    let patches = 0;
    for (const object of objects) if (await this.#reconcile(object, machines)) patches += 1;
    return { objects: objects.length, patches, cloudCalls: regions.length };
  }

  async #machines(): Promise<ReadonlyMap<string, Machine>> {
    const { platform } = this.#options;
    const signal = new AbortController().signal;
    const all = new Map<string, Machine>();
    for (const region of regions) {
      const listed = await platform.list({ region, tags: { [clusterTag]: clusterId } }, signal);
      if (!listed.ok) throw new Error(listed.error.message);
      for (const machine of listed.value) all.set(machine.providerId, machine);
    }
    return all;
  }

  /** Whether there was something to write. */
  async #reconcile(object: Raw, machines: ReadonlyMap<string, Machine>): Promise<boolean> {
    const machine = machines.get(object.spec.providerId ?? "");
    const report = this.#options.feed.latest(object.metadata?.uid ?? "");
    const wanted = wantedStatus(object, machine, report !== undefined);
    const { phase, machine: shown, addresses } = object.status ?? {};
    if (JSON.stringify(wanted) === JSON.stringify({ phase, machine: shown, addresses })) return false;
    await this.#api.patchNamespacedCustomObjectStatus({
      ...{ group: apiGroup, version: apiVersionName, plural: "streamnodes" },
      namespace: object.metadata?.namespace ?? "",
      name: object.metadata?.name ?? "",
      body: { status: wanted },
    });
    return true;
  }
}

function wantedStatus(object: Raw, machine: Machine | undefined, reporting: boolean): object {
  if (machine === undefined) return { phase: "Unknown" };
  const serving = machine.state === "Running" && object.status?.registration !== undefined && reporting;
  const { state, zone, launchedAt, publicAddress, privateAddress } = machine;
  return {
    phase: serving ? "InService" : "Running",
    machine: { state, zone, launchedAt: new Date(launchedAt).toISOString() },
    addresses: { public: publicAddress, private: privateAddress },
  };
}
