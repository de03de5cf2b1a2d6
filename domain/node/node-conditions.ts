/** The conditions of a StreamNode, from its next step: what has happened, and what it waits for. */
import type { UpdateOf } from "../conditions.ts";
import { atMost, type DrainProgress } from "./drain.ts";
import type { NodeStep, NodeView } from "./lifecycle.ts";
import { assertNever } from "../result.ts";
import { toRfc3339 } from "../time.ts";

type Update = UpdateOf<"StreamNode">;

/** Words for what a step means for serving. */
interface Serving {
  readonly reason: Extract<Update, { readonly type: "InService" }>["reason"];
  readonly message: string;
}

const serving: Readonly<Record<NodeStep["kind"], Serving>> = {
  AwaitLaunch: { reason: "AwaitingRegistration", message: "the machine has not been launched yet" },
  AwaitSighting: { reason: "AwaitingRegistration", message: "the cloud has not been read yet" },
  AwaitBoot: { reason: "AwaitingRegistration", message: "the machine boots" },
  AwaitCallback: { reason: "AwaitingRegistration", message: "the machine runs; the node has not called back yet" },
  AwaitReport: { reason: "AwaitingReport", message: "registered; no report has been received yet" },
  AwaitOrigin: { reason: "AwaitingOrigin", message: "no origin of the group is in service to link to" },
  AwaitLink: { reason: "AwaitingLink", message: "no link to an origin is established yet" },
  Rest: { reason: "Goodbye", message: "the node said goodbye; it serves again when it registers again" },
  Serve: { reason: "Serving", message: "registered, reporting and linked" },
  Retire: { reason: "Terminating", message: "the node is drained: its machine is to go" },
  AwaitEvidence: { reason: "AwaitingReport", message: "the cloud does not show the machine and the node is silent" },
  Remove: { reason: "MachineGone", message: "the machine is gone, stopped, or was never launched" },
  Terminate: { reason: "Terminating", message: "the machine is being terminated" },
  AwaitTermination: { reason: "Terminating", message: "the machine is being terminated" },
  AwaitBatch: {
    reason: "Terminating",
    message: "waits for the launch to be settled, so that no machine is left behind",
  },
  HoldTermination: { reason: "Terminating", message: "the group is paused: the machine is not terminated" },
  Release: { reason: "Terminating", message: "the machine is gone" },
  LetGo: { reason: "Terminating", message: "the StreamNode goes, and its machine is left as it is" },
};

/** Steps that are no news about the node: what was known of it stays. */
function saysNothing(step: NodeStep): boolean {
  return step.kind === "AwaitSighting";
}

export function nodeConditions(step: NodeStep, view: NodeView): readonly Update[] {
  if (saysNothing(step)) return [launched(view), ...reportsComplete(view), ...released(view)];
  const inService = step.kind === "Serve";
  const { reason, message } = serving[step.kind];
  const served: Update = { type: "InService", status: inService ? "True" : "False", reason, message };
  return [
    launched(view),
    registered(step, view),
    served,
    ...drained(view),
    ready(step, view),
    ...reportsComplete(view),
    ...released(view),
  ];
}

/** Until the first report there is nothing to say. */
function reportsComplete({ report, reportFaults }: NodeView): readonly Update[] {
  const type = "ReportsComplete";
  if (reportFaults.length > 0) {
    const refused = reportFaults.some((word) => word.startsWith("report "));
    const what = refused
      ? "reports were refused, or parts of them dropped"
      : "parts of its reports were dropped or clamped";
    const message = `in the last hour ${what}: ${reportFaults.join(", ")}; see streamfleet_report_parts_dropped_total`;
    return [{ type, status: "False", reason: refused ? "ReportRefused" : "PartsDropped", message }];
  }
  return report === undefined ? [] : [{ type, status: "True", reason: "Complete", message: "its reports fit" }];
}

/** That nothing is done for it, and that its machine is not ended with it. */
function released({ standing }: NodeView): readonly Update[] {
  if (standing.kind !== "LetGo") return [];
  const { reason, message } = standing;
  return [{ type: "Released", status: "True", reason, message: `${message}: its machine is not ended with it` }];
}

/** What is known of a drain. That of a node that is going away stays as it was: its reports end. */
function drained({ drain, deleting }: NodeView): readonly Update[] {
  if (drain === undefined) return [];
  const update = drainUpdate(drain);
  return deleting && update.status !== "True" ? [] : [update];
}

function drainUpdate(drain: DrainProgress): Update {
  const type = "Drained";
  switch (drain.kind) {
    case "NeverRegistered":
      return { type, status: "True", reason: "NobodyLeft", message: "it never called back, so nobody is on it" };
    case "NobodyLeft":
      return { type, status: "True", reason: "NobodyLeft", message: "acknowledged; nobody is left" };
    case "ClientsLeft":
      return { type, status: "False", reason: "ClientsLeft", message: `acknowledged; ${clientsLeft(drain.clients)}` };
    case "AwaitingAcknowledgement": {
      const message = "has not said yet that it takes no new clients";
      return { type, status: "False", reason: "AwaitingAcknowledgement", message };
    }
    case "NoReport": {
      const message = "no fresh report of the registered boot is known, which does not mean that nobody is left";
      return { type, status: "False", reason: "NoReport", message };
    }
    default:
      return assertNever(drain);
  }
}

function clientsLeft(clients: number): string {
  return clients === 1 ? "1 client is left" : `at most ${atMost(clients)} clients are left`;
}

function launched(view: NodeView): Update {
  if (view.providerId === undefined) {
    return { type: "Launched", status: "False", reason: "AwaitingLaunch", message: "no machine is known yet" };
  }
  return { type: "Launched", status: "True", reason: "MachineKnown", message: `machine ${view.providerId}` };
}

function registered(step: NodeStep, view: NodeView): Update {
  const type = "Registered";
  if (view.registration?.saidGoodbye === true) {
    return { type, status: "False", reason: "Goodbye", message: "the node said goodbye" };
  }
  if (view.registration !== undefined) {
    const message = `called back at ${toRfc3339(view.registration.registeredAt)}`;
    return { type, status: "True", reason: "CalledBack", message };
  }
  if (step.kind !== "AwaitCallback")
    return { type, status: "False", reason: "AwaitingBoot", message: "the machine is not known to run" };
  const deadline = toRfc3339(step.deadline);
  if (!step.overdue)
    return { type, status: "False", reason: "AwaitingCallback", message: `is to call back by ${deadline}` };
  const message = `has not called back by ${deadline}: look at the machine's console, its image and its way to the API`;
  return { type, status: "False", reason: "Overdue", message };
}

function ready(step: NodeStep, view: NodeView): Update {
  const type = "Ready";
  if (view.deleting) return { type, status: "False", reason: "Terminating", message: "the node is going away" };
  if (view.drain !== undefined) {
    return { type, status: "False", reason: "Draining", message: `drains: ${drainUpdate(view.drain).message}` };
  }
  if (step.kind === "Serve") return { type, status: "True", reason: "InService", message: "serves clients" };
  return { type, status: "False", reason: "NotInService", message: serving[step.kind].message };
}
