/** Reads and writes `status.registration`, which is the API's alone. */
import { apiVersion } from "../crds/names.ts";
import type { StreamNode } from "../crds/stream-node.ts";
import { wasToldToEnd } from "../domain/node/claim.ts";
import type { Clock } from "../domain/ports.ts";
import { startDeadline } from "../runtime/deadline.ts";
import type { EventRecorder } from "../runtime/events.ts";
import type { PatchOutcome } from "../runtime/resource-client.ts";
import type { RegisterRequest } from "./node-schemas.ts";
import { Problem } from "./problems.ts";
import {
  decideGoodbye,
  decideRegistration,
  type RegistrationEvidence,
  type RegistrationPatch,
} from "../domain/node/registration.ts";

/** What writing registrations needs of a `ResourceClient<StreamNode>`. */
export interface StreamNodeWriter {
  get(
    address: { readonly namespace: string; readonly name: string },
    signal: AbortSignal,
  ): Promise<StreamNode | undefined>;
  /** Conditional on the resourceVersion of the object given. */
  patchStatus(
    object: StreamNode,
    status: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<PatchOutcome<StreamNode>>;
}

/** The controllers write the same object, so a few conflicts in a row are normal. */
const mostTries = 5;

/** How long (ms) a call to Kubernetes may take: a node that is told to come again must still be listening. */
const longestCallMs = 3_000;

/** Always reads before it writes: a copy that lags would answer for a boot, or a goodbye, that is past. */
export class RegistrationWriter {
  readonly #writer: StreamNodeWriter;
  readonly #clock: Clock;
  readonly #events: Pick<EventRecorder, "record">;

  constructor(writer: StreamNodeWriter, clock: Clock, events: Pick<EventRecorder, "record">) {
    this.#writer = writer;
    this.#clock = clock;
    this.#events = events;
  }

  /** Registers the machine as the node and says whether that changed anything; throws `Problem` when it is refused. */
  register(node: StreamNode, claim: RegisterRequest, evidence: RegistrationEvidence): Promise<boolean> {
    return this.#write(node, (fresh) => {
      const decision = decideRegistration(fresh, claim, evidence, this.#clock.now());
      if (decision.kind === "Refuse") throw this.#refused(fresh, "ClaimedByAnother", decision.detail);
      if (decision.kind === "Unproven") throw this.#refused(fresh, "NotProven", decision.detail);
      if (decision.kind === "AwaitAddress") throw addressUnknown(fresh);
      return decision.kind === "Write" ? decision.patch : undefined;
    });
  }

  /** Who keeps the node is told: somebody else may be trying to speak for it. */
  #refused({ metadata }: StreamNode, code: "ClaimedByAnother" | "NotProven", detail: string): Problem {
    const note = { type: "Warning", reason: "RegistrationRefused", message: detail } as const;
    this.#events.record({ apiVersion, kind: "StreamNode", metadata }, note);
    return new Problem(code, detail);
  }

  /** Notes that this boot of the node has said goodbye. */
  goodbye(node: StreamNode, bootId: string): Promise<boolean> {
    return this.#write(node, (fresh) => {
      if (fresh.status?.registration?.bootId !== bootId) throw foreignBoot();
      return decideGoodbye(fresh, this.#clock.now());
    });
  }

  /** The node as it is now; throws `Problem` when it has gone or is going. */
  async read(node: StreamNode): Promise<StreamNode> {
    const { namespace, name } = node.metadata;
    const fresh = await this.#reached((signal) => this.#writer.get({ namespace, name }, signal));
    if (fresh === undefined || fresh.spec.providerId !== node.spec.providerId) throw absent(node);
    if (fresh.metadata.deletionTimestamp !== undefined) throw absent(fresh);
    return fresh;
  }

  async #write(node: StreamNode, decide: (fresh: StreamNode) => RegistrationPatch | undefined): Promise<boolean> {
    for (let tries = 0; tries < mostTries; tries++) {
      const fresh = await this.read(node);
      const registration = decide(fresh);
      if (registration === undefined) return false;
      const outcome = await this.#reached((signal) => this.#writer.patchStatus(fresh, { registration }, signal));
      if (outcome.kind === "Patched") return true;
    }
    throw new Problem("NotReady", "the node is being changed by others: try again", { retryAfterSeconds: 1 });
  }

  /** Whatever goes wrong between us and the API server is no fault of the node's: it may come again. */
  async #reached<T>(call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const deadline = startDeadline(this.#clock, longestCallMs, "the Kubernetes API");
    try {
      return await call(deadline.signal);
    } catch (cause) {
      throw new Problem("KubernetesUnavailable", "the Kubernetes API cannot be reached: try again", {
        retryAfterSeconds: 2,
        cause,
      });
    } finally {
      deadline.clear();
    }
  }
}

/** The answer to a machine whose address the cloud has not told yet: anybody could claim it. */
function addressUnknown(node: StreamNode): Problem {
  const detail = `the cloud has told no such address of the machine of ${node.metadata.name} yet: try again`;
  return new Problem("NotMapped", detail, { retryAfterSeconds: 1 });
}

/** The answer to a node that is not there, or is about to go: it is to stop only where its machine was told to terminate. */
function absent(node: StreamNode): Problem {
  if (wasToldToEnd(node)) return deleted(node);
  return new Problem("NotMapped", `StreamNode ${node.metadata.name} is gone or about to go: try again`, {
    retryAfterSeconds: 2,
  });
}

/** The answer to a node that is not to come back. */
export function deleted(node: StreamNode): Problem {
  return new Problem("NodeDeleted", `StreamNode ${node.metadata.name} is deleted: stop`);
}

/** The answer to a boot that has not registered, or is no longer the registered one. */
export function foreignBoot(): Problem {
  return new Problem("Unauthorized", "this boot is not the one that is registered: register again");
}
