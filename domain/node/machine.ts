/** What a cloud says of one server, in our words, and the tags by which we know it again. */
import type { PlatformName, Role } from "../../crds/names.ts";
import type { Instant } from "../time.ts";

/**
 * `Stopped` is a machine that still exists and is paid for (GCE calls it TERMINATED); `Terminated` is gone for good.
 * `Unknown` is a state that the driver cannot read: it proves nothing.
 */
export type MachineState = "Pending" | "Running" | "Stopping" | "Stopped" | "Terminated" | "Unknown";

/** One server of a cloud: an EC2 instance, a GCE VM, a simulated one. */
export interface Machine {
  /** The cloud's own id, unique within the platform. */
  readonly providerId: string;
  readonly platform: PlatformName;
  readonly region: string;
  readonly zone: string;
  readonly state: MachineState;
  readonly instanceType: string;
  readonly image: string;
  /** Which machine of its launch call this is, from 0. With the launch's tags it gives the slot. */
  readonly launchIndex: number;
  readonly launchedAt: Instant;
  readonly privateAddress?: string;
  readonly publicAddress?: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** The tags every machine of ours carries from its launch. From these alone a StreamNode can be rebuilt. */
export interface OwnershipTags {
  /** Which installation owns the machine. Outlives the cluster's objects. */
  readonly clusterId: string;
  readonly namespace: string;
  readonly group: string;
  readonly role: Role;
  /** Name of the LaunchBatch. */
  readonly batch: string;
  /** Token of the launch call: unique to one attempt of one batch. */
  readonly token: string;
  /** Slots of the launch call in order of launch index. */
  readonly slots: readonly number[];
  /** Clients that the node can serve, so that an adopted node needs no LaunchConfig. */
  readonly connectionCapacity: number;
}

/** `platform/provider id`: names a machine among those of all clouds. */
export function machineText(platform: PlatformName, providerId: string): string {
  return `${platform}/${providerId}`;
}
