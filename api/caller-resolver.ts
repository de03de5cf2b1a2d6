/** Which StreamNode a caller is, by what its token says. */
import type { PlatformName } from "../crds/names.ts";
import type { StreamNode } from "../crds/stream-node.ts";
import { wasToldToEnd } from "../domain/node/claim.ts";
import { directivesOf } from "../domain/node/directive.ts";
import type { JoinClaims, NodeClaims } from "../runtime/node-tokens.ts";
import type { RegisterRequest } from "./node-schemas.ts";
import { Problem } from "./problems.ts";
import { deleted, foreignBoot, type RegistrationWriter } from "./registration-writer.ts";
import type { StreamNodeDirectory } from "../fleet/stream-node-directory.ts";
import { WaitTimes } from "./wait-times.ts";
import { machineText } from "../domain/node/machine.ts";

/** Every method throws the `Problem` that tells the caller what to do: come again, register again, or stop. */
export class CallerResolver {
  readonly #directory: StreamNodeDirectory;
  readonly #registrations: RegistrationWriter;
  readonly #waits = new WaitTimes();

  constructor(directory: StreamNodeDirectory, registrations: RegistrationWriter) {
    this.#directory = directory;
    this.#registrations = registrations;
  }

  /** The node of a machine that wants to register with a join token. */
  joining(claims: JoinClaims, { platform, machineId }: RegisterRequest): StreamNode {
    const node = this.#mapped(platform, machineId);
    const { namespace } = node.metadata;
    const { group, batch } = node.spec;
    if (namespace !== claims.namespace || group !== claims.group || batch !== claims.batch) {
      throw new Problem("Unauthorized", "the join token is of another launch than the machine");
    }
    return node;
  }

  /** The node that a node token is of, under the name that the caller gives itself. */
  bearer(claims: NodeClaims, namespace: string, name: string): StreamNode {
    const node = this.#ofToken(claims);
    if (node.metadata.namespace !== namespace || node.metadata.name !== name) {
      throw new Problem("Unauthorized", `the token is not of the node ${namespace}/${name}: register again`);
    }
    return node;
  }

  /** The node that a node token is of, whatever it calls itself; its boot is the registered one. */
  holder(claims: NodeClaims): Promise<StreamNode> {
    return this.registered(this.#ofToken(claims), claims, claims.bootId);
  }

  /**
   * The node, if the token is of this boot, which is the one registered and has not said goodbye. Our copy may lag behind a
   * registration: it cannot refuse.
   */
  async registered(node: StreamNode, claims: NodeClaims, bootId: string): Promise<StreamNode> {
    if (claims.bootId !== bootId) throw foreignBoot();
    if (isRegistered(node, bootId)) return node;
    const fresh = await this.#registrations.read(node);
    if (!isRegistered(fresh, bootId)) throw foreignBoot();
    return fresh;
  }

  /** A machine that has another StreamNode by now is to register as that one. */
  #ofToken({ platform, providerId, uid }: NodeClaims): StreamNode {
    const node = this.#mapped(platform, providerId);
    if (node.metadata.uid === uid) return node;
    throw new Problem("Unauthorized", `the token is of a StreamNode that is no more: register again`);
  }

  /**
   * The node, read anew where it carries out what our copy does not know: a copy that lags behind a drain would tell it to
   * take clients again while its machine is about to go.
   */
  async current(node: StreamNode, acknowledged: readonly string[]): Promise<StreamNode> {
    const known = directivesOf(node.spec.drain).map(({ id }) => id);
    return acknowledged.every((id) => known.includes(id)) ? node : this.#registrations.read(node);
  }

  /**
   * A machine may call before its StreamNode is seen here, or after it was lost or let go, and is adopted in time. Only one
   * that is known to have been told to terminate is told to stop: absence is no order.
   */
  #mapped(platform: PlatformName, providerId: string): StreamNode {
    const machine = machineText(platform, providerId);
    const node = this.#directory.byMachine(platform, providerId);
    if (node !== undefined && node.metadata.deletionTimestamp === undefined) {
      this.#waits.found(machine);
      return node;
    }
    if (node !== undefined && wasToldToEnd(node)) throw deleted(node);
    if (!this.#directory.hasSynced()) {
      throw new Problem("NotReady", "the server has not read the nodes yet: try again", { retryAfterSeconds: 1 });
    }
    if (this.#directory.wasDeleted(platform, providerId)) {
      throw new Problem("NodeDeleted", `the node of machine ${providerId} is deleted: stop`);
    }
    const what =
      node === undefined ? "has no StreamNode yet" : `is that of ${node.metadata.name}, which is about to go`;
    throw new Problem("NotMapped", `machine ${providerId} ${what}: try again`, {
      retryAfterSeconds: this.#waits.next(machine),
    });
  }
}

function isRegistered({ status }: StreamNode, bootId: string): boolean {
  return status?.registration?.bootId === bootId && status.registration.goodbyeAt === undefined;
}
