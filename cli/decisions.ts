/** `streamfleet explain`: reads the recorded decisions of a group, newest last, and replays each. */
import { z } from "zod";
import { roles } from "../crds/names.ts";
import type { NodeGroup } from "../crds/node-group.ts";
import type { HistoryOutage, ScalingActivity } from "../domain/history.ts";
import type { ActivityStore } from "../domain/ports.ts";
import { addMs, type Instant, instant, toRfc3339 } from "../domain/time.ts";
import { mostDecisions } from "./arguments.ts";
import { type Explained, explainedJson, explanation, replay, summaryOf } from "./explanation.ts";
import { CommandError } from "./operator-access.ts";
import type { OperatorClient } from "./operator-client.ts";
import { placeText } from "../domain/group/place.ts";

/** Where decisions are read. */
export type Activities = Pick<ActivityStore, "last">;

export interface ExplainRequest {
  readonly namespace: string;
  /** Name of the NodeGroup. */
  readonly name: string;
  /** The group as it is; absent: there is none, or no longer. */
  readonly group?: NodeGroup;
  /** Most decisions, 1 to 1,000. Absent: the 10 newest, or with `at` what held then. */
  readonly last?: number;
  /** The time to look back from. */
  readonly at?: Instant;
  readonly json?: boolean;
}

export interface ExplainOutput {
  readonly text: string;
  /** What is to be said beside it. */
  readonly remarks: readonly string[];
  /** 0, or 1 where a decision does not replay. */
  readonly exitCode: number;
}

const usualLast = 10;

/** What `explain` prints. `unwritten` is asked after reading. Throws what reading throws, and `CommandError`: nothing is known. */
export async function explain(
  request: ExplainRequest,
  activities: Activities,
  unwritten: () => HistoryOutage | undefined = () => undefined,
): Promise<ExplainOutput> {
  const found = await findActivities(request, activities);
  if (request.group === undefined && found.length === 0) throw new CommandError(nothingText(request));
  const explained = found.map((activity): Explained => ({ activity, replay: replay(activity) }));
  const exitCode = explained.some(({ replay: { kind } }) => kind === "Different") ? 1 : 0;
  const beside = { remarks: remarks(request, found.length > 0, unwritten()), exitCode };
  if (request.json === true) return { text: JSON.stringify(explained.map(explainedJson), undefined, 2), ...beside };
  const parts = explained.length === 0 ? [nothingText(request)] : [...explained.map(explanation), summaryOf(explained)];
  return { text: parts.join("\n\n"), ...beside };
}

function nothingText({ namespace, name, group, at }: ExplainRequest): string {
  const when = at === undefined ? "yet" : `by ${toRfc3339(at)}`;
  if (group !== undefined) return `nothing was decided for NodeGroup ${name} ${when}, or it is kept no longer`;
  return `there is no NodeGroup ${name} in namespace ${namespace}, and nothing is kept of one: see \`kubectl get nodegroups -A\``;
}

/** What is to be said beside what was found: that the group is gone, that newer decisions are missing. */
function remarks({ group, name }: ExplainRequest, found: boolean, unwritten: HistoryOutage | undefined) {
  const gone = group === undefined && found ? [`NodeGroup ${name} is deleted; this is what is kept of it`] : [];
  return [...gone, ...unwrittenText(group, unwritten)];
}

/** The word of the API that answered, else that of the leader, which is the group's condition. */
function unwrittenText(group: NodeGroup | undefined, unwritten: HistoryOutage | undefined): readonly string[] {
  const missing = "what was decided since is not shown here";
  if (unwritten !== undefined)
    return [`history is not being written since ${toRfc3339(unwritten.since)}, and ${missing}: ${unwritten.reason}`];
  const condition = group?.status?.conditions?.find(({ type }) => type === "HistoryWritten");
  return condition?.status === "False" ? [`${condition.message}; ${missing}`] : [];
}

async function findActivities(
  { namespace, name, group, last, at }: ExplainRequest,
  from: Activities,
): Promise<readonly ScalingActivity[]> {
  const of = { namespace, group: name };
  if (at !== undefined && last === undefined) return heldAt({ ...of, places: placesOf(group) }, at, from);
  const newest = await from.last({ ...of, limit: last ?? usualLast, ...(at !== undefined && { until: at }) });
  return newest.toReversed();
}

function placesOf(group: NodeGroup | undefined): ReadonlySet<string> {
  return new Set(group?.status?.roles?.map(placeText));
}

interface HeldOf {
  readonly namespace: string;
  readonly group: string;
  /** Where decisions are made today; others may have been made earlier. */
  readonly places: ReadonlySet<string>;
}

/** The newest decision of each (role, region) that had begun by then. Reads back until each has one, or nothing is left. */
async function heldAt(
  { namespace, group, places }: HeldOf,
  at: Instant,
  from: Activities,
): Promise<readonly ScalingActivity[]> {
  const held = new Map<string, ScalingActivity>();
  let until: Instant | undefined = at;
  while (until !== undefined) {
    const page: readonly ScalingActivity[] = await from.last({ namespace, group, limit: mostDecisions, until });
    for (const activity of page) if (!held.has(placeText(activity))) held.set(placeText(activity), activity);
    const oldest = page.length < mostDecisions ? undefined : page.at(-1)?.firstAt;
    const complete = places.size > 0 && [...places].every((place) => held.has(place));
    until = complete || oldest === undefined ? undefined : addMs(oldest, oldest === until ? -1 : 0);
  }
  return [...held.values()].sort((a, b) => (placeText(a) < placeText(b) ? -1 : 1));
}

const time = z.string().transform((text) => instant(Date.parse(text)));
const answerSchema = z.object({
  activities: z.array(
    z.object({
      role: z.enum(roles),
      region: z.string(),
      kind: z.string(),
      reason: z.string(),
      message: z.string(),
      latestMessage: z.string().optional(),
      deciderVersion: z.number(),
      input: z.unknown(),
      firstAt: time,
      lastAt: time,
      count: z.number(),
    }),
  ),
  unwritten: z.object({ since: time, reason: z.string() }).optional(),
});

/** Decisions as the API tells them, and whether it says that what is decided now is not recorded. */
export interface ActivityClient extends Activities {
  /** By the newest answer. */
  unwritten(): HistoryOutage | undefined;
}

/** Throws `CommandError`; `ApiUnreachableError` where nothing answers. */
export function activityClient(api: OperatorClient): ActivityClient {
  let unwritten: HistoryOutage | undefined;
  return {
    unwritten: () => unwritten,
    last: async ({ namespace, group, limit, until }) => {
      const path = `/v1/nodegroups/${encodeURIComponent(namespace)}/${encodeURIComponent(group)}/activities`;
      const query = { limit: String(limit), ...(until !== undefined && { until: toRfc3339(until) }) };
      const answer = answerSchema.parse(await api.get(path, query));
      unwritten = answer.unwritten;
      return answer.activities.map(({ input, latestMessage, ...rest }) => ({
        ...rest,
        ...(latestMessage !== undefined && { latestMessage }),
        input,
        namespace,
        group,
      }));
    },
  };
}
