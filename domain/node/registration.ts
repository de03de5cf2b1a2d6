/** Whether a machine that calls back becomes the node it claims to be. Pure. */
import type { RegistrationProof } from "../../crds/names.ts";
import type { Registration, StreamNode } from "../../crds/stream-node.ts";
import { type Instant, toRfc3339 } from "../time.ts";
import { isVouchedFor } from "./address.ts";

/** What a machine says of itself when it registers. */
export interface RegistrationClaim {
  readonly platform: string;
  /** The cloud's own id of it. */
  readonly machineId: string;
  readonly address: string;
  readonly privateAddress?: string | undefined;
  readonly version: string;
  readonly bootId: string;
}

export type RegistrationDecision =
  /** It is registered just like this. */
  | { readonly kind: "Keep" }
  /** The merge patch that makes it registered. */
  | { readonly kind: "Write"; readonly patch: RegistrationPatch }
  /** The cloud has told no address of the machine yet, so nothing vouches for a first claim. */
  | { readonly kind: "AwaitAddress" }
  /** Another has claimed the machine, or the claim does not fit what the cloud says. */
  | { readonly kind: "Refuse"; readonly detail: string }
  /** Nothing proves that the call comes from the machine. */
  | { readonly kind: "Unproven"; readonly detail: string };

/** What a claim is judged by beside its words: a join token is that of the whole batch, and proves no single machine. */
export interface RegistrationEvidence {
  /** The address from which the call comes, as far as the API can see. */
  readonly source: string | undefined;
  /** Whether two texts name the same address. */
  readonly isSameAddress: (a: string | undefined, b: string | undefined) => boolean;
  /** The machine that the token of an earlier registration names, which is genuine. */
  readonly former: { readonly platform: string; readonly providerId: string } | undefined;
  /** Whether the join token alone is to do (`STREAMFLEET_TRUST_BATCH`). */
  readonly trustBatch: boolean;
}

/** `null` removes a field. */
export type RegistrationPatch = { readonly [F in keyof Registration]?: string | null };

/** The first claim that is proven wins; a reboot, at the same address, replaces it, if it proves itself as well. */
export function decideRegistration(
  node: StreamNode,
  claim: RegistrationClaim,
  evidence: RegistrationEvidence,
  now: Instant,
): RegistrationDecision {
  const cloud = node.status?.addresses;
  const contradiction = contradictionOf(node, claim);
  if (contradiction !== undefined) return { kind: "Refuse", detail: contradiction };
  if (!isKnown(cloud) || !isVouchedFor(claim.address, node)) return { kind: "AwaitAddress" };
  const held = node.status?.registration;
  const proof = proofOf(cloud, claim, evidence);
  if (proof === undefined || (proof === "Batch" && isProven(held))) return unproven(evidence);
  if (held === undefined) return write(claim, proof, now);
  if (held.bootId !== claim.bootId && !sameMachine(held, cloud, claim)) {
    return { kind: "Refuse", detail: `the machine is registered at another address since ${held.registeredAt}` };
  }
  if (isSame(held, claim)) return { kind: "Keep" };
  return held.bootId === claim.bootId ? write(claim, proof, held.registeredAt) : write(claim, proof, now);
}

function proofOf(
  cloud: NonNullable<CloudAddresses>,
  { platform, machineId }: RegistrationClaim,
  { source, isSameAddress, former, trustBatch }: RegistrationEvidence,
): RegistrationProof | undefined {
  if (former?.platform === platform && former.providerId === machineId) return "FormerToken";
  if (isSameAddress(source, cloud.public) || isSameAddress(source, cloud.private)) return "Address";
  return trustBatch ? "Batch" : undefined;
}

/** What one proved by more is not taken over by less. */
function isProven(held: Registration | undefined): boolean {
  return held?.provenBy === "Address" || held?.provenBy === "FormerToken";
}

function unproven({ source }: RegistrationEvidence): RegistrationDecision {
  const from = source === undefined ? "an address that cannot be seen" : source;
  const advice = "where a proxy stands between, name its network in STREAMFLEET_TRUSTED_PROXIES";
  return {
    kind: "Unproven",
    detail: `the call comes from ${from}, which the cloud does not know the machine by, and no former token proves it: ${advice}`,
  };
}

/** The patch that says goodbye, or undefined where it was said already. */
export function decideGoodbye(node: StreamNode, now: Instant): RegistrationPatch | undefined {
  return node.status?.registration?.goodbyeAt === undefined ? { goodbyeAt: toRfc3339(now) } : undefined;
}

type CloudAddresses = NonNullable<StreamNode["status"]>["addresses"];

function isKnown(cloud: CloudAddresses): cloud is NonNullable<CloudAddresses> {
  return cloud?.public !== undefined || cloud?.private !== undefined;
}

/** What the cloud says against the claim. */
function contradictionOf(node: StreamNode, claim: RegistrationClaim): string | undefined {
  const cloud = node.status?.addresses;
  if (!isKnown(cloud)) return undefined;
  if (claim.privateAddress !== undefined && cloud.private !== undefined && claim.privateAddress !== cloud.private) {
    return `the cloud knows the machine by another private address than ${claim.privateAddress}`;
  }
  // It may not have told the public address yet: until then nothing vouches for it, and nobody is sent there.
  if (cloud.public === undefined || isVouchedFor(claim.address, node)) return undefined;
  return `the cloud does not know the machine by the address ${claim.address}`;
}

/** A machine that was stopped may come back with another address: the cloud then knows the new one and not the old. */
function sameMachine(held: Registration, cloud: CloudAddresses, claim: RegistrationClaim): boolean {
  if (held.address === claim.address) return true;
  return cloud?.public === claim.address && cloud.private !== held.address;
}

function isSame(held: Registration, claim: RegistrationClaim): boolean {
  return (
    held.bootId === claim.bootId &&
    held.address === claim.address &&
    held.privateAddress === claim.privateAddress &&
    held.version === claim.version &&
    held.goodbyeAt === undefined
  );
}

function write(
  claim: RegistrationClaim,
  provenBy: RegistrationProof,
  registeredAt: Instant | string,
): RegistrationDecision {
  const { machineId, address, privateAddress, version, bootId } = claim;
  return {
    kind: "Write",
    patch: {
      machineId,
      address,
      privateAddress: privateAddress ?? null,
      version,
      bootId,
      provenBy,
      registeredAt: typeof registeredAt === "string" ? registeredAt : toRfc3339(registeredAt),
      goodbyeAt: null,
    },
  };
}
