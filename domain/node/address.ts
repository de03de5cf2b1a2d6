/** Where a node is reached: what it says of itself, as far as the cloud or its LaunchConfig vouches for it. */
import type { StreamNode } from "../../crds/stream-node.ts";

/** Addresses to hand out; both absent while the node has not registered, or nothing vouches for what it said. */
export interface ServedAddresses {
  readonly address: string | undefined;
  readonly privateAddress: string | undefined;
}

type Addresses = NonNullable<StreamNode["status"]>["addresses"];
type Reached = Pick<StreamNode, "spec" | "status"> & { readonly metadata: Pick<StreamNode["metadata"], "namespace"> };

const nowhere: ServedAddresses = { address: undefined, privateAddress: undefined };

/**
 * Judged anew whenever it is asked for: the cloud may tell more, or otherwise, since the node registered. An address that it
 * does not know is given to nobody, for whoever registered could have made it up.
 */
export function servedAddresses(node: Reached): ServedAddresses {
  const { registration, addresses } = node.status ?? {};
  if (registration === undefined) return nowhere;
  const isOfCloud = (address: string | undefined): boolean =>
    address !== undefined && (address === addresses?.public || address === addresses?.private);
  return {
    address: clientAddress(node, isOfCloud(registration.address) ? registration.address : undefined),
    privateAddress: isOfCloud(registration.privateAddress) ? registration.privateAddress : addresses?.private,
  };
}

/** Whether something vouches that clients reach the node there: the cloud, or the host name of its LaunchConfig. */
export function isVouchedFor(address: string, node: Reached): boolean {
  const { addresses } = node.status ?? {};
  return address === addresses?.public || address === addresses?.private || address === hostnameOf(node);
}

/** `told`: what the node said, where the cloud knows it. */
function clientAddress(node: Reached, told: string | undefined): string | undefined {
  const { addresses } = node.status ?? {};
  switch (node.spec.launch.addressFrom) {
    case "Public":
      return addresses?.public;
    case "Private":
      return addresses?.private;
    case "Hostname":
      return hostnameOf(node);
    case undefined:
      return told ?? addresses?.public ?? addresses?.private;
  }
}

/** The host name that the LaunchConfig gives the node; undefined where it gives none, or the cloud has not told what is in it. */
function hostnameOf({ metadata, spec, status }: Reached): string | undefined {
  const { launch, group, role, region, slot } = spec;
  if (launch.addressFrom !== "Hostname" || launch.hostname === undefined) return undefined;
  const values: Readonly<Record<string, string | undefined>> = {
    name: `${group}-${role}-${slot}`,
    namespace: metadata.namespace,
    ...{ group, role, region, slot: String(slot) },
    public: dashed(status?.addresses, "public"),
    private: dashed(status?.addresses, "private"),
  };
  const filled = [...launch.hostname.matchAll(/\{(\w+)\}|[^{}]+/g)].map(([text, key]) =>
    key === undefined ? text : values[key],
  );
  return filled.includes(undefined) ? undefined : filled.join("");
}

/** As clouds and operators write addresses into names: 198-51-100-7. */
function dashed(addresses: Addresses, of: "public" | "private"): string | undefined {
  return addresses?.[of]?.replaceAll(/[.:]/g, "-");
}
