/**
 * The load of each (group, role, region), kept as reports come: a report costs what one node costs, not what the fleet
 * costs. Follows the local copy of the nodes and the load feed from the start of the process, also while it does not lead.
 */
import { tellAll } from "../domain/listeners.ts";
import type { Role } from "../crds/names.ts";
import type { StreamNode } from "../crds/stream-node.ts";
import type { AlarmDefinition } from "../domain/alarm/alarm-definitions.ts";
import { type Datapoint, rangeOf } from "../domain/alarm/alarm-state.ts";
import { DeadlineQueue } from "./deadline-queue.ts";
import { LoadTally } from "../domain/load/load-tally.ts";
import type { NodeLoad, NodeReport } from "../domain/load/report.ts";
import type { Clock, LoadFeed } from "../domain/ports.ts";
import { shared } from "../runtime/sharing.ts";
import type { CountedNode, PlaceLoad } from "../domain/load/place-load.ts";
import type { LoadGauges, RoleLoad } from "../domain/load/role-load.ts";
import { addMs, type Instant, instant } from "../domain/time.ts";
import { groupTextOf } from "../domain/group/place.ts";
import { keyText } from "../runtime/reconciler.ts";
import type { Cache } from "./cluster.ts";
import { type LoadPlace, LoadPlaces } from "./load-places.ts";

export type { LoadPlace } from "./load-places.ts";

/** What deciding needs of the load. `now` is the clock's. */
export interface LoadView {
  /** The load now, with the peak of the stabilization window (ms) before. */
  ofPlace(place: LoadPlace, stabilizationMs: number, now: Instant): RoleLoad;
  /** Over all regions of a group, for people; undefined while no region's is known. */
  ofGroup(group: string, role: Role, now: Instant): LoadGauges | undefined;
  /** The datapoints of the alarm's range in a region, oldest first: the periods end now. */
  datapoints(alarm: AlarmDefinition, place: LoadPlace, now: Instant): readonly Datapoint[];
  /** Another number after each report that speaks for the place: while it is the same, only time has passed there. */
  revision(place: LoadPlace): number;
}

export interface LoadTrackerDeps {
  readonly nodes: Pick<Cache<StreamNode>, "onChange">;
  readonly feed: Pick<LoadFeed, "latest" | "subscribe">;
  /** The alarms that hold for the group with this key; asked at every report, so the same list while they stay the same. */
  readonly alarms: (group: string) => readonly AlarmDefinition[];
  /** Age (ms) above which a report counts no more. */
  readonly staleMs: number;
  readonly clock: Pick<Clock, "now">;
}

/** What somebody told of a node, and when. */
interface Told extends NodeLoad {
  readonly receivedAt: Instant;
}

/** A node as it is followed, and as it stands in the sums: one object for its life, for it changes with every report. */
interface Member extends CountedNode {
  readonly key: string;
  readonly uid: string;
  readonly namespace: string;
  readonly place: LoadPlace;
  /** In service, and neither draining nor going away. */
  counts: boolean;
  /** Its own last report. */
  own: Told | undefined;
  /** What an origin last told of it. */
  byParent: Told | undefined;
  /** Where the node is counted. What it is counted with changes only while it is counted nowhere, so that sums stay right. */
  seat: PlaceLoad | undefined;
  heard: boolean;
  load: NodeLoad | undefined;
  /** When it is next looked whether what was told of it is stale. */
  dueAt: Instant | undefined;
}

/** The load of this process's fleet. */
export class LoadTracker implements LoadView {
  readonly #deps: LoadTrackerDeps;
  readonly #byKey = new Map<string, Member>();
  readonly #byUid = new Map<string, Member>();
  readonly #places: LoadPlaces;
  readonly #listeners = new Set<(group: string) => void>();
  /** Of the node that was followed last: others are of the same, or of the same group at least. */
  #lastPlace: LoadPlace | undefined;
  /** Reports that spoke for a place. */
  #reports = 0;
  #expiries = new DeadlineQueue<Member>();
  /** Up to when stale reports have been taken out. */
  #time: Instant;

  constructor(deps: LoadTrackerDeps) {
    this.#deps = deps;
    this.#places = new LoadPlaces(deps.staleMs);
    this.#time = deps.clock.now();
    deps.feed.subscribe((report) => this.#hear(report));
    deps.nodes.onChange((change) => {
      const now = this.#tick();
      if (change.kind === "Deleted") this.#forget(this.#byKey.get(change.key), now);
      else this.#follow(change.key, change.object, now);
    });
  }

  /** How much is kept: for metrics, and for tests of the bound on memory. */
  get size(): { readonly nodes: number; readonly places: number; readonly expiries: number } {
    return { nodes: this.#byKey.size, places: this.#places.size, expiries: this.#expiries.size };
  }

  /** Calls the listener with each group for which a report made a sample, or would have had the load been known. */
  onSample(listener: (group: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  ofPlace(place: LoadPlace, stabilizationMs: number, now: Instant): RoleLoad {
    const time = this.#expire(now);
    return this.#places.find(place)?.load(stabilizationMs, time) ?? { kind: "Unknown", nodes: 0 };
  }

  ofGroup(group: string, role: Role, now: Instant): LoadGauges | undefined {
    this.#expire(now);
    const known = this.#places.ofRole(group, role).flatMap((place) => place.known ?? []);
    if (known.length === 0) return undefined;
    const total = new LoadTally();
    for (const tally of known) total.merge(tally);
    return total.gauges();
  }

  datapoints(alarm: AlarmDefinition, place: LoadPlace, now: Instant): readonly Datapoint[] {
    const time = this.#expire(now);
    const load = this.#places.find(place);
    return load?.datapoints(alarm, time) ?? Array.from({ length: rangeOf(alarm) }, () => undefined);
  }

  revision(place: LoadPlace): number {
    return this.#places.find(place)?.revision ?? 0;
  }

  #hear(report: NodeReport): void {
    const now = this.#tick();
    const member = this.#byUid.get(report.uid);
    if (member === undefined) return;
    member.own = report;
    const spokenFor = this.#hearOfChildren(member, report, now);
    const ownPlace = this.#recount(member, now);
    if (ownPlace !== undefined) spokenFor.add(ownPlace);
    if (spokenFor.size === 0) return;
    this.#reports++;
    const { group } = member.place;
    const definitions = this.#deps.alarms(group);
    for (const place of spokenFor) {
      place.settle(now);
      place.watch(definitions);
      place.sample(now, this.#reports);
    }
    tellAll(this.#listeners, group);
  }

  /** Takes what an origin or a relay tells of its edges; gives the places that have load by it, for the caller to settle. */
  #hearOfChildren(parent: Member, report: NodeReport, now: Instant): Set<PlaceLoad> {
    const spokenFor = new Set<PlaceLoad>();
    if (!speaksForEdges(parent.place.role)) return spokenFor;
    for (const { name, connections, subscribers } of report.children) {
      const edge = this.#byKey.get(keyText({ namespace: parent.namespace, name }));
      if (edge?.place.role !== "edge" || edge.place.group !== parent.place.group) continue;
      if (edge.byParent !== undefined && edge.byParent.receivedAt > report.receivedAt) continue;
      edge.byParent = { connections, subscribers, publishers: 0, receivedAt: report.receivedAt };
      if (this.#isFresh(edge.own, now)) continue;
      const place = this.#recount(edge, now);
      if (place !== undefined) spokenFor.add(place);
    }
    return spokenFor;
  }

  #follow(key: string, node: StreamNode, now: Instant): void {
    const known = this.#byKey.get(key);
    if (known?.uid === node.metadata.uid) {
      known.counts = counts(node);
      this.#recount(known, now)?.settle(now);
      return;
    }
    this.#forget(known, now);
    const report = this.#deps.feed.latest(node.metadata.uid);
    const member = newMember(key, placeOf(node, this.#lastPlace), node, report);
    this.#lastPlace = member.place;
    this.#byKey.set(key, member);
    this.#byUid.set(member.uid, member);
    this.#recount(member, now)?.settle(now);
    if (report === undefined || !this.#isFresh(member.own, now)) return;
    for (const place of this.#hearOfChildren(member, report, now)) place.settle(now);
  }

  #forget(member: Member | undefined, now: Instant): void {
    if (member === undefined) return;
    this.#byKey.delete(member.key);
    this.#byUid.delete(member.uid);
    member.counts = false;
    this.#recount(member, now)?.settle(now);
  }

  /** Puts the node into the sums as it is to be counted now; gives the place that has changed, for the caller to settle. */
  #recount(member: Member, now: Instant): PlaceLoad | undefined {
    const left = member.seat;
    left?.remove(member);
    member.seat = undefined;
    if (member.counts) return this.#count(member, left ?? this.#places.occupy(member.place), now);
    if (left !== undefined) this.#places.leave(member.place, left, now);
    return left;
  }

  /** A fresh report of its own says what the load of a node is, else a fresh one of its origin. */
  #count(member: Member, seat: PlaceLoad, now: Instant): PlaceLoad {
    const { own, byParent } = member;
    const told = this.#isFresh(own, now) ? own : this.#isFresh(byParent, now) ? byParent : undefined;
    member.heard = own !== undefined || byParent !== undefined;
    member.load = told;
    member.seat = seat;
    seat.add(member);
    if (told !== undefined) this.#awaitExpiry(member, addMs(told.receivedAt, this.#deps.staleMs));
    return seat;
  }

  /** One deadline for each node, not one for each report: what came meanwhile is seen when it is due. */
  #awaitExpiry(member: Member, at: Instant): void {
    if (member.dueAt !== undefined && member.dueAt <= at) return;
    member.dueAt = at;
    this.#expiries.add(member, at);
  }

  #isFresh(told: Told | undefined, now: Instant): told is Told {
    return told !== undefined && now - told.receivedAt <= this.#deps.staleMs;
  }

  /** Brings what is kept to the present, before anything is changed in it. */
  #tick(): Instant {
    const now = this.#deps.clock.now();
    if (this.#time - now > this.#deps.staleMs) this.#restart(now);
    const time = this.#expire(now);
    this.#places.sweep(time);
    return time;
  }

  /** Takes out what has become stale, and gives the time up to which that is done, which a slow reader does not put back. */
  #expire(now: Instant): Instant {
    const end = now > this.#time ? now : this.#time;
    for (let due = this.#expiries.takeBefore(end); due;) {
      // Each moment as it was, and whole: what falls silent together was never known in part.
      const { at } = due;
      if (at >= this.#time) this.#time = addMs(at, 1);
      const touched = new Set<PlaceLoad>();
      for (; due?.at === at; due = this.#expiries.takeBefore(end)) {
        const place = this.#fallSilent(due.item, at);
        if (place !== undefined) touched.add(place);
      }
      for (const place of touched) place.settle(this.#time);
    }
    this.#time = end;
    return end;
  }

  #fallSilent(member: Member, at: Instant): PlaceLoad | undefined {
    if (member.dueAt !== at) return undefined;
    member.dueAt = undefined;
    return member.counts ? this.#recount(member, this.#time) : undefined;
  }

  /** The clock was put back: reports of what is now the future are of now, and all that is kept over time begins anew. */
  #restart(now: Instant): void {
    this.#time = now;
    this.#expiries = new DeadlineQueue();
    for (const place of this.#places.all()) place.restart();
    for (const member of this.#byKey.values()) {
      member.dueAt = undefined;
      member.own = notAfter(member.own, now);
      member.byParent = notAfter(member.byParent, now);
      this.#recount(member, now)?.settle(now);
    }
  }
}

function placeOf(node: StreamNode, like: LoadPlace | undefined): LoadPlace {
  const { role, region } = node.spec;
  return shared({ group: groupTextOf(node), role, region }, like);
}

function newMember(key: string, place: LoadPlace, node: StreamNode, report: NodeReport | undefined): Member {
  const { metadata, spec } = node;
  return {
    key,
    uid: metadata.uid,
    namespace: metadata.namespace,
    place,
    capacity: spec.launch.connectionCapacity,
    counts: counts(node),
    own: report,
    byParent: undefined,
    seat: undefined,
    heard: false,
    load: undefined,
    dueAt: undefined,
  };
}

/** Whether the node is in service and not about to go: then its capacity and its clients are the load. */
function counts({ metadata, spec, status }: StreamNode): boolean {
  return status?.phase === "InService" && spec.drain === undefined && metadata.deletionTimestamp === undefined;
}

function speaksForEdges(role: Role): boolean {
  return role === "origin" || role === "relay";
}

function notAfter(told: Told | undefined, now: Instant): Told | undefined {
  return told === undefined ? undefined : { ...told, receivedAt: instant(Math.min(told.receivedAt, now)) };
}
