/** Where a node is reached: what it says of itself, as far as the cloud vouches for it. */
import type { StreamNode } from "../crds/stream-node.ts";

/** Addresses to hand out; both absent while the node has not registered, or nothing vouches for what it said. */
export interface ServedAddresses {
  readonly address: string | undefined;
  readonly privateAddress: string | undefined;
}

/**
 * Judged anew whenever it is asked for: the cloud may tell more, or otherwise, since the node registered. An address that it
 * does not know is given to nobody, for whoever registered could have made it up.
 */
export function servedAddresses({ status }: Pick<StreamNode, "status">): ServedAddresses {
  const { registration, addresses } = status ?? {};
  if (registration === undefined) return { address: undefined, privateAddress: undefined };
  const known = [addresses?.public, addresses?.private];
  const isVouchedFor = (address: string | undefined): boolean => address !== undefined && known.includes(address);
  return {
    address: isVouchedFor(registration.address) ? registration.address : (addresses?.public ?? addresses?.private),
    privateAddress: isVouchedFor(registration.privateAddress) ? registration.privateAddress : addresses?.private,
  };
}
