/** One simulated media node on each machine of the simulated cloud that runs. */
import type { ChildReport } from "../../domain/load/report.ts";
import type { Machine } from "../../domain/node/machine.ts";
import { type NodeSettings, parseUserData } from "../../domain/launch/user-data.ts";
import { MediaNode, type MediaNodeOptions, type MediaNodeWorld, type StreamNodeId } from "./node.ts";

/** What the fleet needs of a `SimulatedCloud`. */
export interface SimulatedMachines {
  machines(): readonly Machine[];
  userDataOf(providerId: string): string | undefined;
  onStateChange(listener: (change: { readonly machine: Machine }) => void): () => void;
}

export interface MediaFleetOptions extends MediaNodeWorld {
  readonly cloud: SimulatedMachines;
  /** What the nodes say to be; default `simulated`. */
  readonly version?: string;
}

type Boot = Pick<MediaNodeOptions, "resumed">;

/** Starts a node when its machine runs and stops it when it does not. */
export class MediaFleet {
  readonly #options: MediaFleetOptions;
  readonly #nodes = new Map<string, MediaNode>();
  readonly #byAddress = new Map<string, MediaNode>();
  readonly #lost: string[] = [];
  readonly #stopping = new Set<Promise<void>>();
  #unsubscribe: () => void = () => undefined;

  constructor(options: MediaFleetOptions) {
    this.#options = options;
  }

  /** The nodes that are up, by provider id. */
  get nodes(): ReadonlyMap<string, MediaNode> {
    return this.#nodes;
  }

  /** The node that is up at an address, public or private. */
  nodeAt(address: string): MediaNode | undefined {
    return this.#byAddress.get(address);
  }

  /** The node that is up and has registered as this StreamNode: for tests. */
  nodeNamed({ namespace, name }: Pick<StreamNodeId, "namespace" | "name">): MediaNode | undefined {
    return [...this.#nodes.values()].find(({ streamNode }) => {
      return streamNode?.name === name && streamNode.namespace === namespace;
    });
  }

  /** Ids of the sessions that ended with their machines since this was last asked. */
  takeLost(): readonly string[] {
    return this.#lost.splice(0);
  }

  /** Begins to follow the cloud, with the machines that run already. */
  start(): void {
    this.#unsubscribe = this.#options.cloud.onStateChange(({ machine }) => this.#follow(machine));
    for (const machine of this.#options.cloud.machines()) this.#follow(machine, { resumed: true });
  }

  /** Stops all nodes without a goodbye: their machines go on. */
  async stop(): Promise<void> {
    this.#unsubscribe();
    for (const providerId of [...this.#nodes.keys()]) this.#halt(providerId, { goodbye: false });
    await Promise.all(this.#stopping);
  }

  #follow(machine: Machine, boot: Boot = {}): void {
    if (machine.state === "Running") this.#boot(machine, boot);
    // A machine that is told to stop shuts its services down first; one that is gone says nothing.
    else this.#halt(machine.providerId, { goodbye: machine.state === "Stopping" });
  }

  #boot(machine: Machine, boot: Boot): void {
    if (this.#nodes.has(machine.providerId)) return;
    const node = this.#nodeOn(machine, boot);
    if (node === undefined) {
      this.#options.logger.error("found no settings at boot", { machineId: machine.providerId });
      return;
    }
    this.#nodes.set(machine.providerId, node);
    for (const address of node.addresses) this.#byAddress.set(address, node);
    node.start();
  }

  #halt(providerId: string, options: { readonly goodbye: boolean }): void {
    const node = this.#nodes.get(providerId);
    if (node === undefined) return;
    this.#nodes.delete(providerId);
    // Another machine may have the address by now.
    for (const address of node.addresses) if (this.nodeAt(address) === node) this.#byAddress.delete(address);
    for (const id of node.cut()) this.#lost.push(id);
    const stopped: Promise<void> = node.stop(options).finally(() => this.#stopping.delete(stopped));
    this.#stopping.add(stopped);
  }

  #nodeOn(machine: Machine, boot: Boot): MediaNode | undefined {
    const settings = parseUserData(this.#options.cloud.userDataOf(machine.providerId) ?? "");
    const address = machine.publicAddress ?? machine.privateAddress;
    if (settings === undefined || address === undefined) return undefined;
    const childrenOf = (origin: StreamNodeId) => this.#childrenOf(origin);
    return new MediaNode({ ...this.#options, ...this.#settingsOf(machine, address, settings), ...boot, childrenOf });
  }

  #childrenOf(origin: StreamNodeId): readonly ChildReport[] {
    return [...this.#nodes.values()].flatMap((node) => node.asChildOf(origin) ?? []);
  }

  #settingsOf(machine: Machine, address: string, { apiUrl, joinToken }: NodeSettings) {
    const identity = {
      machineId: machine.providerId,
      platform: machine.platform,
      address,
      ...(machine.privateAddress !== undefined && { privateAddress: machine.privateAddress }),
      version: this.#options.version ?? "simulated",
      // Our process may start anew while the machine runs on: that is the same boot.
      bootId: `${machine.providerId}-${machine.launchedAt}`,
    };
    return { apiUrl, joinToken, identity };
  }
}
