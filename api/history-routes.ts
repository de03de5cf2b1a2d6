/** The past of a group as history has it, for operators. */
import { Router } from "express";
import type { HistorySpan, LoadMinute, NodeLife, StreamRecord } from "../domain/history.ts";
import type { History } from "../domain/ports.ts";
import { addMs, fromRfc3339, instant, toRfc3339 } from "../domain/time.ts";
import { historyQuerySchema, type HistoryRow, type LookedUpKind, lookedUpKinds } from "./history-schemas.ts";
import { onlyMethod, parseParameters } from "./problems.ts";
import { readInTime, type SlowReads } from "./slow-reads.ts";
import type { TokenGate } from "./token-gate.ts";

/** The stores that are looked into. */
export type LookedUpHistory = {
  readonly [K in "nodeLives" | "streams" | "alarms" | "load"]: Pick<History[K], "during">;
};

export interface HistoryRoutesDeps {
  readonly gate: TokenGate;
  readonly history: LookedUpHistory;
  readonly slow: SlowReads;
}

/** One route for each kind. They need the database. */
export function historyRoutes({ gate, history, slow }: HistoryRoutesDeps): Router {
  const router = Router();
  for (const kind of lookedUpKinds) {
    const route = router.route(historyPath(":namespace", ":name", kind));
    route.get(async (req, res) => {
      await gate.operator(req);
      const { namespace, name: group } = req.params as { readonly namespace: string; readonly name: string };
      const { limit, from, to } = parseParameters(historyQuerySchema, req.query);
      const span = {
        ...{ namespace, group, limit },
        from: (from === undefined ? undefined : fromRfc3339(from)) ?? instant(0),
        // What is said at this very moment counts as well.
        to: (to === undefined ? undefined : fromRfc3339(to)) ?? addMs(slow.clock.now(), 1),
      };
      const rows = await readInTime<readonly object[]>(slow, lookUp[kind](history, span));
      res.set("Cache-Control", "no-store").json({ rows });
    });
    route.all(onlyMethod("GET"));
  }
  return router;
}

/** Where a kind of a group's history is. */
export function historyPath(namespace: string, group: string, kind: LookedUpKind): string {
  return `/v1/nodegroups/${namespace}/${group}/history/${kind}`;
}

type LookUp<K extends LookedUpKind> = (
  history: LookedUpHistory,
  span: HistorySpan,
) => Promise<readonly HistoryRow<K>[]>;

/** Each kind as the API tells it. */
export const lookUp: { readonly [K in LookedUpKind]: LookUp<K> } = {
  nodes: async (history, span) => (await history.nodeLives.during(span)).map(nodeRow),
  streams: async (history, span) => (await history.streams.during(span)).map(streamRow),
  alarms: async (history, span) =>
    (await history.alarms.during(span)).map(({ alarm, role, region, from, to, reason, at }) => ({
      ...{ at: toRfc3339(at), alarm, role, region, from, to, reason },
    })),
  load: async (history, span) => (await history.load.during(span)).map(loadRow),
};

function nodeRow(life: NodeLife): HistoryRow<"nodes"> {
  const { uid, name, role, region, platform, providerId, openedAt, closedAt, closeReason } = life;
  return {
    ...{ uid, name, role, region, platform },
    ...(providerId !== undefined && { providerId }),
    openedAt: toRfc3339(openedAt),
    ...(closedAt !== undefined && { closedAt: toRfc3339(closedAt) }),
    ...(closeReason !== undefined && { closeReason }),
  };
}

function streamRow(stream: StreamRecord): HistoryRow<"streams"> {
  const { scope, name, nodeUid, startedAt, lastSeenAt, endedAt, peakSubscribers } = stream;
  return {
    ...{ scope, name, nodeUid, peakSubscribers },
    ...{ startedAt: toRfc3339(startedAt), lastSeenAt: toRfc3339(lastSeenAt) },
    ...(endedAt !== undefined && { endedAt: toRfc3339(endedAt) }),
  };
}

function loadRow(of: LoadMinute): HistoryRow<"load"> {
  const { minute, role, region, samples, connectionsSum, connectionsMax, publishersSum, subscribersSum } = of;
  return {
    ...{ minute: toRfc3339(minute), role, region, samples },
    ...{ connectionsSum, connectionsMax, publishersSum, subscribersSum },
  };
}
