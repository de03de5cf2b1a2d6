/** `streamfleet explain`: reads the recorded decisions of a group, newest last, and replays each. */
import { z } from "zod";
import { roles } from "../crds/names.ts";
import type { NodeGroup } from "../crds/node-group.ts";
import type { ActivityStore, ScalingActivity } from "../domain/history.ts";
import { addMs, type Clock, fromRfc3339, type Instant, instant, toRfc3339 } from "../domain/time.ts";
import { startDeadline } from "../runtime/deadline.ts";
import { type Explained, explainedJson, explanation, replay, summaryOf } from "./explanation.ts";
import { CommandError, unanswered } from "./operator-access.ts";

/** Where decisions are read. */
export type Activities = Pick<ActivityStore, "last">;

export interface ExplainRequest {
  readonly group: NodeGroup;
  /** Most decisions, 1 to 1,000. Absent: the 10 newest, or with `at` what held then. */
  readonly last?: number;
  /** The time to look back from. */
  readonly at?: Instant;
  readonly json?: boolean;
}

export interface ExplainOutput {
  readonly text: string;
  /** 0, or 1 where a decision does not replay. */
  readonly exitCode: number;
}

const usualLast = 10;
/** Most decisions of one answer. */
export const mostDecisions = 1_000;

/** What `explain` prints. Throws what reading throws. */
export async function explain(request: ExplainRequest, activities: Activities): Promise<ExplainOutput> {
  const found = await findActivities(request, activities);
  const explained = found.map((activity): Explained => ({ activity, replay: replay(activity) }));
  const exitCode = explained.some(({ replay: { kind } }) => kind === "Different") ? 1 : 0;
  if (request.json === true) return { text: JSON.stringify(explained.map(explainedJson), undefined, 2), exitCode };
  const parts = explained.length === 0 ? [nothingText(request)] : [...explained.map(explanation), summaryOf(explained)];
  return { text: parts.join("\n\n"), exitCode };
}

function nothingText({ group, at }: ExplainRequest): string {
  const when = at === undefined ? "yet" : `by ${toRfc3339(at)}`;
  return `nothing was decided for NodeGroup ${group.metadata.name} ${when}, or it is kept no longer`;
}

async function findActivities(
  { group, last, at }: ExplainRequest,
  from: Activities,
): Promise<readonly ScalingActivity[]> {
  const of = { namespace: group.metadata.namespace, group: group.metadata.name };
  if (at !== undefined && last === undefined) return heldAt({ ...of, places: placesOf(group) }, at, from);
  const newest = await from.last({ ...of, limit: last ?? usualLast, ...(at !== undefined && { until: at }) });
  return newest.toReversed();
}

function placeOf({ role, region }: { readonly role: string; readonly region: string }): string {
  return `${role}/${region}`;
}

function placesOf(group: NodeGroup): ReadonlySet<string> {
  return new Set(group.status?.roles?.map(placeOf));
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
    for (const activity of page) if (!held.has(placeOf(activity))) held.set(placeOf(activity), activity);
    const oldest = page.length < mostDecisions ? undefined : page.at(-1)?.firstAt;
    const complete = places.size > 0 && [...places].every((place) => held.has(place));
    until = complete || oldest === undefined ? undefined : addMs(oldest, oldest === until ? -1 : 0);
  }
  return [...held.values()].sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
}

/** A time as people write it: RFC 3339, or how long ago, such as `90s`, `10m`, `2h`. Undefined: neither. */
export function parseTime(text: string, now: Instant): Instant | undefined {
  const ago = /^(\d{1,6})(s|m|h|d)$/.exec(text.trim());
  if (ago === null) return fromRfc3339(text.trim());
  const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[ago[2] as "s" | "m" | "h" | "d"];
  return addMs(now, -Number(ago[1]) * unitMs);
}

export interface ActivityClientOptions {
  /** Base URL of the API. */
  readonly apiUrl: string;
  /** An operator's. */
  readonly token: string;
  readonly clock: Clock;
  readonly fetch: typeof globalThis.fetch;
}

const longestCallMs = 15_000;

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
});

/** The API does not answer, where another way may be open. */
export class ApiUnreachableError extends Error {
  override readonly name = "ApiUnreachableError";
}

/** Decisions as the API tells them. Throws `CommandError`; `ApiUnreachableError` where nothing answers. */
export function activityClient({ apiUrl, token, clock, fetch }: ActivityClientOptions): Activities {
  return {
    last: async ({ namespace, group, limit, until }) => {
      const path = `/v1/nodegroups/${encodeURIComponent(namespace)}/${encodeURIComponent(group)}/activities`;
      const query = new URLSearchParams({
        limit: String(limit),
        ...(until !== undefined && { until: toRfc3339(until) }),
      });
      const deadline = startDeadline(clock, longestCallMs, "reading decisions");
      try {
        const headers = { Authorization: `Bearer ${token}` };
        const response = await fetch(`${apiUrl}${path}?${query.toString()}`, {
          headers,
          signal: deadline.signal,
        }).catch((cause: unknown) => {
          throw new ApiUnreachableError(unanswered(`the API at ${apiUrl}`, causeOf(cause)).message, { cause });
        });
        const text = await response.text();
        if (!response.ok) throw refused(apiUrl, response.status, text);
        const { activities } = answerSchema.parse(JSON.parse(text));
        return activities.map(({ input, latestMessage, ...rest }) => ({
          ...rest,
          ...(latestMessage !== undefined && { latestMessage }),
          input,
          namespace,
          group,
        }));
      } finally {
        deadline.clear();
      }
    },
  };
}

/** What `fetch` throws says only that it failed; the reason is its cause. */
function causeOf(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? error.cause : error;
}

function refused(apiUrl: string, status: number, text: string): CommandError {
  if (status === 401) {
    return new CommandError(`the API at ${apiUrl} belongs to another fleet: name this one's with --api-url`);
  }
  return new CommandError(`the API at ${apiUrl} answered ${status}: ${text.slice(0, 500)}`);
}
