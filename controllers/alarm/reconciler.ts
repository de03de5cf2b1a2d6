/**
 * Alarms of a group: each one judged in each region, at every report and as time goes on. It does nothing but judge and
 * publish, without waiting for anything: a launch may follow from it. People are told afterwards (`alarm/report.ts`).
 */
import type { NodeGroup } from "../../crds/node-group.ts";
import type { AlarmDefinition } from "../../domain/alarm/alarm-definitions.ts";
import { type AlarmVerdict, alarmVerdict, newAlarm } from "../../domain/alarm/alarm-verdict.ts";
import type { AlarmTransition } from "../../domain/history.ts";
import { fromRfc3339, type Instant } from "../../domain/time.ts";
import type { Clock } from "../../domain/ports.ts";
import {
  done,
  keyText,
  type ObjectKey,
  type Reconciler,
  type ReconcileResult,
  requeueAfter,
} from "../../runtime/reconciler.ts";
import type { AlarmStates, AlarmStanding } from "../../fleet/alarm-states.ts";
import type { Cache } from "../../fleet/cluster.ts";
import type { GroupAlarms } from "../../fleet/group-alarms.ts";
import type { LoadView } from "../../fleet/load-tracker.ts";
import { keysOf } from "../../domain/keys.ts";

export interface AlarmDeps {
  readonly cluster: { readonly nodeGroups: { readonly cache: Pick<Cache<NodeGroup>, "get"> } };
  readonly alarms: GroupAlarms;
  readonly load: Pick<LoadView, "datapoints" | "revision">;
  readonly alarmStates: AlarmStates;
  readonly clock: Clock;
}

/** Data leaves the periods without an event, so each group is looked at again: twice a period, within these bounds (ms). */
const soonestMs = 1_000;
const latestMs = 5_000;

export class AlarmReconciler implements Reconciler {
  readonly name = "alarm";
  readonly #deps: AlarmDeps;
  /** When each was last looked at, and on which revision of its load. */
  readonly #looks = new WeakMap<AlarmStanding, { readonly revision: number; readonly at: Instant }>();

  constructor(deps: AlarmDeps) {
    this.#deps = deps;
  }

  reconcile(key: ObjectKey): Promise<ReconcileResult> {
    const { cluster, alarms, alarmStates } = this.#deps;
    const group = cluster.nodeGroups.cache.get(keyText(key));
    if (group === undefined || group.metadata.deletionTimestamp !== undefined) {
      alarmStates.forget(keyText(key));
      return Promise.resolve(done);
    }
    const definitions = alarms(keyText(key));
    // What is known of them stays as it is until somebody says what they are to be.
    if (definitions === undefined) return Promise.resolve(done);
    this.#judge(group, definitions);
    return Promise.resolve(nextLook(definitions));
  }

  #judge(group: NodeGroup, definitions: readonly AlarmDefinition[]): void {
    const { alarmStates, clock } = this.#deps;
    const key = keyText(group.metadata);
    const known = alarmStates.ofGroup(key);
    const now = clock.now();
    const watched = group.spec.regions.flatMap((region) => definitions.map((definition) => ({ definition, region })));
    const looks = watched.map((alarm, place) => {
      const before = knownOf(known, place, alarm) ?? toldOf(group, alarm, now) ?? newAlarm(now);
      return { before, standing: this.#look(key, alarm, { before, now }) };
    });
    const standings = looks.map(({ standing }) => standing);
    if (alarmStates.knows(key) && isSame(known, standings)) return;
    alarmStates.publish(key, standings, { changed: true, transitions: transitionsOf(group, looks) });
  }

  /** The standing of before itself where nothing in it has changed, so that callers can compare by identity. */
  #look(group: string, { definition, region }: Watched, { before, now }: Moment): AlarmStanding {
    const { load } = this.#deps;
    const place = { group, role: definition.role, region };
    const revision = load.revision(place);
    const known = isStanding(before) && isEqual(before.definition, definition) ? before : undefined;
    if (known !== undefined && this.#isCurrent(known, revision, now)) return known;
    const verdict = alarmVerdict(definition, load.datapoints(definition, place, now), { previous: before, now });
    const { state, since, reason } = verdict;
    const standing = verdict === known ? known : { definition, region, state, since, reason };
    this.#looks.set(standing, { revision, at: now });
    return standing;
  }

  /** Nothing was heard of its place since it was looked at, and that was a moment ago: a report costs what its place costs. */
  #isCurrent(standing: AlarmStanding, revision: number, now: Instant): boolean {
    const look = this.#looks.get(standing);
    if (look?.revision !== revision) return false;
    return now >= look.at && now - look.at < nextLookMs([standing.definition]) / 2;
  }
}

/** An alarm in a region. */
interface Watched {
  readonly definition: AlarmDefinition;
  readonly region: string;
}

interface Moment {
  readonly before: AlarmVerdict | AlarmStanding;
  readonly now: Instant;
}

interface Look {
  readonly before: AlarmVerdict;
  readonly standing: AlarmStanding;
}

function isStanding(verdict: AlarmVerdict | AlarmStanding): verdict is AlarmStanding {
  return "definition" in verdict;
}

/** An alarm of this name that watches another role is another alarm. */
function isOf(standing: AlarmStanding | undefined, { definition, region }: Watched): standing is AlarmStanding {
  if (standing?.region !== region) return false;
  return standing.definition.name === definition.name && standing.definition.role === definition.role;
}

/** As a rule it is in the place where it was, and nothing is searched. */
function knownOf(known: readonly AlarmStanding[], place: number, alarm: Watched): AlarmStanding | undefined {
  const there = known[place];
  return isOf(there, alarm) ? there : known.find((standing) => isOf(standing, alarm));
}

/** What the group's status says of it: after a restart it goes on from there. What was to begin later begins now. */
function toldOf(group: NodeGroup, { definition, region }: Watched, now: Instant): AlarmVerdict | undefined {
  const { name, role } = definition;
  const told = group.status?.alarms?.find(
    (entry) => entry.alarm === name && entry.region === region && entry.role === role,
  );
  const since = told === undefined ? undefined : fromRfc3339(told.since);
  if (told === undefined || since === undefined) return undefined;
  return { state: told.state, since: since > now ? now : since, reason: told.reason };
}

function isSame(before: readonly AlarmStanding[], after: readonly AlarmStanding[]): boolean {
  return before.length === after.length && before.every((standing, place) => standing === after[place]);
}

/** A policy that is read anew has new objects for the same alarms. */
function isEqual(a: AlarmDefinition, b: AlarmDefinition): boolean {
  if (a === b) return true;
  const fields = keysOf(a);
  return fields.length === Object.keys(b).length && fields.every((field) => a[field] === b[field]);
}

function transitionsOf({ metadata }: NodeGroup, looks: readonly Look[]): readonly AlarmTransition[] {
  return looks
    .filter(({ before, standing }) => before.state !== standing.state)
    .map(({ before, standing: { definition, region, state, since, reason } }) => ({
      namespace: metadata.namespace,
      group: metadata.name,
      alarm: definition.name,
      role: definition.role,
      region,
      from: before.state,
      to: state,
      reason,
      at: since,
    }));
}

function nextLook(definitions: readonly AlarmDefinition[]): ReconcileResult {
  if (definitions.length === 0) return done;
  return requeueAfter(nextLookMs(definitions), "data leaves the periods as time goes on");
}

function nextLookMs(definitions: readonly AlarmDefinition[]): number {
  const shortestMs = Math.min(...definitions.map(({ periodSeconds }) => periodSeconds)) * 1_000;
  return Math.min(Math.max(shortestMs / 2, soonestMs), latestMs);
}
