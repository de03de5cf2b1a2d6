/** Sweep: every machine with our cluster tag, in one region of one cloud: known, adopted, or left alone and shown. */
import type { NodeLaunch, StreamNode } from "../../crds/stream-node.ts";
import { labels, platformNames } from "../../crds/names.ts";
import type { LaunchConfig } from "../../crds/launch-config.ts";
import type { NodeGroup } from "../../crds/node-group.ts";
import { type AdoptionVerdict, adoptionOf, type AdoptionFacts, type HeldSlot } from "../../domain/node/adoption.ts";
import { groupText } from "../../domain/group/place.ts";
import { type Machine, machineText } from "../../domain/node/machine.ts";
import { FirstSeen } from "../../domain/first-seen.ts";
import { slotName } from "../../domain/names.ts";
import { fromTags } from "../../domain/node/ownership.ts";
import { platformOf } from "../../domain/group/references.ts";
import type { Clock } from "../../domain/ports.ts";
import type { Listing } from "../../platforms/listing.ts";
import {
  done,
  keyText,
  type ObjectKey,
  type Reconciler,
  type ReconcileResult,
  requeueAfter,
  type ReconcileContext,
} from "../../runtime/reconciler.ts";
import type { AdoptionGate } from "../../fleet/adoption-gate.ts";
import type { Clouds } from "../../fleet/clouds.ts";
import type { Cluster } from "../../fleet/cluster.ts";
import { index, launchConfigKeyOf } from "../../fleet/indexes.ts";
import { assertLeading, type Leadership } from "../../fleet/leadership.ts";
import { listFor } from "../../fleet/missing-kind.ts";
import { sideBySide } from "../../runtime/side-by-side.ts";
import { streamNodeDraft } from "../../fleet/drafts.ts";
import { adoptionFacts, type OwnedObjects } from "./observe.ts";

export interface SweepDeps {
  readonly cluster: Cluster;
  readonly clouds: Clouds;
  readonly gate: AdoptionGate;
  readonly leadership: Leadership;
  readonly clock: Clock;
}

type Adoption = Extract<AdoptionVerdict, { kind: "Adopt" | "Map" }>;
type Judged = { readonly machine: Machine; readonly verdict: AdoptionVerdict };

/** Calls to the cluster at the same time. */
const mostAtOnce = 16;
/** How soon (ms) adopted nodes are looked for in the local copy. */
const visibleMs = 100;
/** How soon (ms) to look again when the cluster knew more than the local copy, and nothing was adopted. */
const behindMs = 1_000;

/** Its keys are `platform/region`. */
export class SweepReconciler implements Reconciler {
  readonly name = "sweep";
  readonly #deps: SweepDeps;
  readonly #launched = new FirstSeen();
  /** Machines that people have been told of. */
  readonly #quarantined = new Set<string>();
  /** `namespace/group` by a machine's tags, undefined where they name none. Machines that do not change keep their tags. */
  readonly #groupOfTags = new WeakMap<Machine["tags"], string | undefined>();

  constructor(deps: SweepDeps) {
    this.#deps = deps;
  }

  async reconcile(key: ObjectKey, context: ReconcileContext): Promise<ReconcileResult> {
    const platform = platformNames.find((name) => name === key.namespace);
    const listing = platform === undefined ? undefined : this.#deps.clouds.get(platform)?.inventory.latest(key.name);
    if (platform === undefined || listing === undefined) return done;
    const judged = this.#judge(platform, listing);
    this.#showQuarantined(judged, context);
    const adopting = groupsOf(judged, ["Adopt", "Map"]);
    let adopted = 0;
    for (const group of adopting) adopted += await this.#adoptFor(group, platform, judged, context);
    this.#openGates(platform, listing, groupsOf(judged, ["Adopt", "Map", "Young", "Former"]));
    const former = groupsOf(judged, ["Former"]);
    if (adopting.size + former.size === 0) return done;
    return requeueAfter(adopted > 0 ? visibleMs : behindMs, "the local copy does not show every node yet");
  }

  #judge(platform: Machine["platform"], listing: Listing): readonly Judged[] {
    const { cluster, clock } = this.#deps;
    const holdersOf = ({ providerId }: Machine) =>
      cluster.streamNodes.cache.byIndex(index.machineId, machineText(platform, providerId));
    const sources = { cluster, objectsOf: (key: string) => this.#known(key), holdersOf };
    return this.#judged(adoptionFacts(sources, clock.now()), [...listing.machines.values()]);
  }

  /** No machine is younger than it is known here, whatever the cloud's clock says. */
  #judged(facts: AdoptionFacts, machines: readonly Machine[]): readonly Judged[] {
    const now = this.#deps.clock.now();
    const dated = machines.map((machine) => {
      const launchedAt = this.#launched.notAfter(machine.providerId, machine.launchedAt, now);
      return launchedAt === machine.launchedAt ? machine : { ...machine, launchedAt };
    });
    return judgedIn(facts, dated);
  }

  #known(group: string): OwnedObjects {
    const { streamNodes, launchBatches } = this.#deps.cluster;
    return {
      nodes: streamNodes.cache.byIndex(index.nodeGroup, group),
      batches: launchBatches.cache.byIndex(index.nodeGroup, group),
    };
  }

  /**
   * Adopts for one group, several machines at the same time, on the cluster's own word: a copy that is late would adopt twice.
   * Answers how many it adopted; what it did not come to is adopted at the next look.
   */
  async #adoptFor(
    key: string,
    platform: Machine["platform"],
    judged: readonly Judged[],
    context: ReconcileContext,
  ): Promise<number> {
    const { cluster } = this.#deps;
    const group = cluster.nodeGroups.cache.get(key);
    if (group === undefined) return 0;
    const { namespace, name } = group.metadata;
    const query = { namespace, labelSelector: `${labels.group}=${name}` };
    const batches = await listFor(group, cluster.launchBatches.client, query, context.signal);
    const nodes = await listFor(group, cluster.streamNodes.client, query, context.signal);
    const machines = judged.filter(({ verdict }) => isAdoptionFor(verdict, key)).map(({ machine }) => machine);
    const facts = this.#liveFacts(platform, key, { nodes, batches });
    const adoptions = this.#judged(facts, machines).flatMap(({ machine, verdict }) =>
      isAdoptionFor(verdict, key) ? [{ machine, verdict }] : [],
    );
    const adopted = await sideBySide(adoptions, mostAtOnce, (adoption) => this.#adopt(group, adoption, nodes, context));
    return adopted.filter((done) => done).length;
  }

  #liveFacts(platform: Machine["platform"], group: string, objects: OwnedObjects): AdoptionFacts {
    const { cluster, clock } = this.#deps;
    const byMachine = Map.groupBy(
      objects.nodes.filter(({ spec }) => spec.launch.platform === platform),
      ({ spec }) => spec.providerId,
    );
    const objectsOf = (key: string) => (key === group ? objects : this.#known(key));
    const holdersOf = ({ providerId }: Machine) => byMachine.get(providerId) ?? [];
    return adoptionFacts({ cluster, objectsOf, holdersOf }, clock.now());
  }

  /** Whether it was adopted. */
  async #adopt(
    group: NodeGroup,
    { machine, verdict }: { readonly machine: Machine; readonly verdict: Adoption },
    nodes: readonly StreamNode[],
    context: ReconcileContext,
  ): Promise<boolean> {
    const { cluster, leadership } = this.#deps;
    const { owner, slot } = verdict;
    const { providerId, region } = machine;
    assertLeading(leadership);
    if (verdict.kind === "Map") {
      const node = nodes.find(({ metadata }) => metadata.name === slotName(owner.group, owner.role, slot));
      const mapped =
        node === undefined
          ? undefined
          : await cluster.streamNodes.client.patch(node, { spec: { providerId } }, context.signal);
      return mapped?.kind === "Patched";
    }
    const { role, batch } = owner;
    const launch = adoptedLaunch(machine, owner.connectionCapacity, this.#launchConfigOf(group));
    const placed = { group, role, slot, region, batch, index: machine.launchIndex, providerId, launch };
    const created = await cluster.streamNodes.client.create(streamNodeDraft(placed), context.signal);
    if (created.kind !== "Created") return false;
    context.logger.info("adopted machine", { machine: providerId, node: created.object.metadata.name });
    return true;
  }

  /** As it is now: how the machine was launched is lost. */
  #launchConfigOf(group: NodeGroup): LaunchConfig | undefined {
    return this.#deps.cluster.launchConfigs.cache.get(launchConfigKeyOf(group));
  }

  /** Says for which groups this listing has been read, and how many of their machines it showed. */
  #openGates(platform: Machine["platform"], listing: Listing, owing: ReadonlySet<string>): void {
    const { cluster, gate } = this.#deps;
    const machines = this.#machinesByGroup(listing);
    for (const group of cluster.nodeGroups.cache.list()) {
      const key = keyText(group.metadata);
      if (!group.spec.regions.includes(listing.region) || this.#platformOf(group) !== platform || owing.has(key))
        continue;
      // A machine launched for an earlier group of this name may be known only since this one exists.
      const { uid } = group.metadata;
      if (listing.startedMonotonicMs < gate.knownSince(uid, this.#deps.clock.monotonicMs())) continue;
      gate.open(
        { groupUid: uid, platform, region: listing.region },
        listing.startedMonotonicMs,
        machines.get(key) ?? 0,
      );
    }
  }

  /** Machines that are not terminated, by `namespace/group`. */
  #machinesByGroup({ machines }: Listing): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const machine of machines.values()) {
      const key = machine.state === "Terminated" ? undefined : this.#groupOf(machine);
      if (key !== undefined) counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    return counts;
  }

  #groupOf({ tags }: Machine): string | undefined {
    if (this.#groupOfTags.has(tags)) return this.#groupOfTags.get(tags);
    const owner = fromTags(tags);
    const key = owner === undefined ? undefined : groupText(owner);
    this.#groupOfTags.set(tags, key);
    return key;
  }

  #platformOf(group: NodeGroup): string | undefined {
    const config = this.#launchConfigOf(group);
    return config === undefined ? undefined : platformOf(config);
  }

  #showQuarantined(judged: readonly Judged[], context: ReconcileContext): void {
    for (const { machine, verdict } of judged) {
      if (verdict.kind !== "Quarantine" || this.#quarantined.has(machine.providerId)) continue;
      this.#quarantined.add(machine.providerId);
      const { providerId, region, tags } = machine;
      context.logger.error("quarantined machine", { machine: providerId, region, reason: verdict.reason, tags });
    }
  }
}

/** The verdicts on machines, one after the other: a slot that one of them gets is taken for those that follow. */
function judgedIn(facts: AdoptionFacts, machines: readonly Machine[]): readonly Judged[] {
  const byRole = new Map<string, Map<number, HeldSlot>>();
  const slotsOf: AdoptionFacts["slotsOf"] = (owner) => {
    const key = `${groupText(owner)}/${owner.role}`;
    const held = byRole.get(key) ?? new Map(facts.slotsOf(owner));
    byRole.set(key, held);
    return held;
  };
  return machines.map((machine) => {
    const verdict = adoptionOf(machine, { ...facts, slotsOf });
    if (verdict.kind === "Adopt" || verdict.kind === "Map") {
      const { owner, slot } = verdict;
      byRole.get(`${groupText(owner)}/${owner.role}`)?.set(slot, { awaitsMachine: false, batch: owner.batch });
    }
    return { machine, verdict };
  });
}

function isAdoptionFor(verdict: AdoptionVerdict, key: string): verdict is Adoption {
  return (verdict.kind === "Adopt" || verdict.kind === "Map") && groupText(verdict.owner) === key;
}

/** Groups with a machine that is judged so. */
function groupsOf(
  judged: readonly Judged[],
  kinds: readonly Extract<AdoptionVerdict, { owner: unknown }>["kind"][],
): ReadonlySet<string> {
  return new Set(
    judged.flatMap(({ verdict }) =>
      "owner" in verdict && kinds.includes(verdict.kind) ? [groupText(verdict.owner)] : [],
    ),
  );
}

/** How long (s) a node may take to call back where no LaunchConfig says it. */
const usualRegistrationTimeoutSeconds = 150;

function adoptedLaunch(machine: Machine, connectionCapacity: number, config: LaunchConfig | undefined): NodeLaunch {
  const { platform, image, instanceType } = machine;
  const { registrationTimeoutSeconds = usualRegistrationTimeoutSeconds, addressFrom, hostname } = config?.spec ?? {};
  return {
    launchConfig: "",
    revision: "",
    platform,
    image,
    instanceType,
    connectionCapacity,
    registrationTimeoutSeconds,
    ...(addressFrom !== undefined && { addressFrom }),
    ...(hostname !== undefined && { hostname }),
  };
}
