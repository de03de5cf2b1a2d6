/** Whether a machine that calls back becomes the node it claims to be. Pure. */
import type { Registration, StreamNode } from "../crds/stream-node.ts";
import type { Instant } from "../domain/time.ts";
import { toRfc3339 } from "../domain/time.ts";
import type { RegisterRequest } from "./node-schemas.ts";

export type RegistrationDecision =
  /** It is registered just like this. */
  | { readonly kind: "Keep" }
  /** The merge patch that makes it registered. */
  | { readonly kind: "Write"; readonly patch: RegistrationPatch }
  /** The cloud has told no address of the machine yet, so nothing vouches for a first claim. */
  | { readonly kind: "AwaitAddress" }
  /** Another has claimed the machine, or the claim does not fit what the cloud says. */
  | { readonly kind: "Refuse"; readonly detail: string };

/** `null` removes a field. */
export type RegistrationPatch = { readonly [F in keyof Registration]?: string | null };

/** The first claim of a machine wins; a reboot, at the same address, replaces it. */
export function decideRegistration(node: StreamNode, claim: RegisterRequest, now: Instant): RegistrationDecision {
  const contradiction = contradictionOf(node.status?.addresses, claim);
  if (contradiction !== undefined) return { kind: "Refuse", detail: contradiction };
  const held = node.status?.registration;
  if (held === undefined) return isKnown(node.status?.addresses) ? write(claim, now) : { kind: "AwaitAddress" };
  if (held.bootId !== claim.bootId && !sameMachine(held, node.status?.addresses, claim)) {
    return { kind: "Refuse", detail: `the machine is registered at another address since ${held.registeredAt}` };
  }
  if (isSame(held, claim)) return { kind: "Keep" };
  return held.bootId === claim.bootId ? write(claim, held.registeredAt) : write(claim, now);
}

/** The patch that says goodbye, or undefined where it was said already. */
export function decideGoodbye(node: StreamNode, now: Instant): RegistrationPatch | undefined {
  return node.status?.registration?.goodbyeAt === undefined ? { goodbyeAt: toRfc3339(now) } : undefined;
}

type CloudAddresses = NonNullable<StreamNode["status"]>["addresses"];

function isKnown(cloud: CloudAddresses): cloud is NonNullable<CloudAddresses> {
  return cloud?.public !== undefined || cloud?.private !== undefined;
}

/** What the cloud says against the claim. It may not have told the public address yet; then the private one vouches. */
function contradictionOf(cloud: CloudAddresses, claim: RegisterRequest): string | undefined {
  if (!isKnown(cloud)) return undefined;
  if (claim.privateAddress !== undefined && cloud.private !== undefined && claim.privateAddress !== cloud.private) {
    return `the cloud knows the machine by another private address than ${claim.privateAddress}`;
  }
  const vouched = cloud.public === undefined && claim.privateAddress === cloud.private;
  if (vouched || claim.address === cloud.public || claim.address === cloud.private) return undefined;
  return `the cloud does not know the machine by the address ${claim.address}`;
}

/** A machine that was stopped may come back with another address: the cloud then knows the new one and not the old. */
function sameMachine(held: Registration, cloud: CloudAddresses, claim: RegisterRequest): boolean {
  if (held.address === claim.address) return true;
  return cloud?.public === claim.address && cloud.private !== held.address;
}

function isSame(held: Registration, claim: RegisterRequest): boolean {
  return (
    held.bootId === claim.bootId &&
    held.address === claim.address &&
    held.privateAddress === claim.privateAddress &&
    held.version === claim.version &&
    held.goodbyeAt === undefined
  );
}

function write(claim: RegisterRequest, registeredAt: Instant | string): RegistrationDecision {
  const { machineId, address, privateAddress, version, bootId } = claim;
  return {
    kind: "Write",
    patch: {
      machineId,
      address,
      privateAddress: privateAddress ?? null,
      version,
      bootId,
      registeredAt: typeof registeredAt === "string" ? registeredAt : toRfc3339(registeredAt),
      goodbyeAt: null,
    },
  };
}
