/** The scaling decisions of a group as history has them, for operators. */
import { Router } from "express";
import type { HistoryOutage, ScalingActivity } from "../domain/history.ts";
import type { ActivityStore } from "../domain/ports.ts";
import { fromRfc3339, toRfc3339 } from "../domain/time.ts";
import { type ActivitiesResponse, type ActivityAnswer, activityQuerySchema } from "./activity-schemas.ts";
import { onlyMethod, parseParameters } from "./problems.ts";
import { readInTime, type SlowReads } from "./slow-reads.ts";
import type { TokenGate } from "./token-gate.ts";

export interface ActivityRoutesDeps {
  readonly gate: TokenGate;
  readonly activities: Pick<ActivityStore, "last">;
  /** Why what is decided now is not recorded; undefined: it is. */
  readonly unwritten: () => HistoryOutage | undefined;
  readonly slow: SlowReads;
}

/** The route. It needs the database. */
export function activityRoutes({ gate, activities, unwritten, slow }: ActivityRoutesDeps): Router {
  const router = Router();
  const route = router.route("/v1/nodegroups/:namespace/:name/activities");
  route.get(async (req, res) => {
    await gate.operator(req);
    const { namespace, name: group } = req.params;
    const { limit, until: written } = parseParameters(activityQuerySchema, req.query);
    const until = written === undefined ? undefined : fromRfc3339(written);
    const filter = { namespace, group, limit, ...(until !== undefined && { until }) };
    const rows = await readInTime(slow, activities.last(filter));
    const outage = unwritten();
    const answer: ActivitiesResponse = {
      activities: rows.map(toAnswer),
      ...(outage !== undefined && { unwritten: { since: toRfc3339(outage.since), reason: outage.reason } }),
    };
    res.set("Cache-Control", "no-store").json(answer);
  });
  route.all(onlyMethod("GET"));
  return router;
}

function toAnswer({ firstAt, lastAt, ...activity }: ScalingActivity): ActivityAnswer {
  return { ...activity, firstAt: toRfc3339(firstAt), lastAt: toRfc3339(lastAt) };
}
