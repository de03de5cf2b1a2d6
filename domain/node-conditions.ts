/** The conditions of a StreamNode, from its next step: what has happened, and what it waits for. */
import type { UpdateOf } from "./conditions.ts";
import type { NodeStep, NodeView } from "./lifecycle.ts";
import { toRfc3339 } from "./time.ts";

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
};

/** Steps that are no news about the node: what was known of it stays. */
function saysNothing(step: NodeStep): boolean {
  return step.kind === "AwaitSighting";
}

export function nodeConditions(step: NodeStep, view: NodeView): readonly Update[] {
  if (saysNothing(step)) return [launched(view)];
  const inService = step.kind === "Serve";
  const { reason, message } = serving[step.kind];
  const served: Update = { type: "InService", status: inService ? "True" : "False", reason, message };
  return [launched(view), registered(step, view), served, ready(step, view)];
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
  if (view.draining) return { type, status: "False", reason: "Draining", message: "the node takes no new clients" };
  if (step.kind === "Serve") return { type, status: "True", reason: "InService", message: "serves clients" };
  return { type, status: "False", reason: "NotInService", message: serving[step.kind].message };
}
