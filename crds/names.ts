/** The words of the API: group, kinds, roles, phases, condition types and their reasons. One place, documented. */

export const apiGroup = "streamfleet.dev";
export const apiVersionName = "v1alpha1";
export const apiVersion = `${apiGroup}/${apiVersionName}`;

/** What a streaming server does. */
export const roles = ["origin", "edge", "relay", "transcoder"] as const;
export type Role = (typeof roles)[number];

/** Where machines run. `aws` and `gce` are accepted in manifests; their drivers come later. */
export const platformNames = ["aws", "gce", "simulated"] as const;
export type PlatformName = (typeof platformNames)[number];

/** Where a StreamNode is in its life. */
export const phases = [
  "Pending",
  "Running",
  "InService",
  "Unresponsive",
  "Draining",
  "Terminating",
  "Unknown",
] as const;
export type Phase = (typeof phases)[number];

/** Kinds with the words by which people and URLs name them. */
export const kinds = {
  NodeGroup: { plural: "nodegroups", singular: "nodegroup", shortName: "ng" },
  ScalePolicy: { plural: "scalepolicies", singular: "scalepolicy", shortName: "sp" },
  LaunchConfig: { plural: "launchconfigs", singular: "launchconfig", shortName: "lc" },
  LaunchBatch: { plural: "launchbatches", singular: "launchbatch", shortName: "lb" },
  StreamNode: { plural: "streamnodes", singular: "streamnode", shortName: "sn" },
} as const;
export type Kind = keyof typeof kinds;

/** Where a kind of ours lives in the Kubernetes API. */
export function resourceType<K extends Kind>(kind: K) {
  return { group: apiGroup, version: apiVersionName, kind, plural: kinds[kind].plural, namespaced: true } as const;
}

/** `kubectl get streamfleet` lists every kind of this category. */
export const category = "streamfleet";

/** Labels on objects that we write, so that people and selectors find them. */
export const labels = {
  group: `${apiGroup}/group`,
  role: `${apiGroup}/role`,
  region: `${apiGroup}/region`,
  batch: `${apiGroup}/batch`,
} as const;

/** Finalizers: an object stays until the duty they stand for is done. */
export const finalizers = {
  /** On a StreamNode: its machine is not yet known to be gone. */
  machine: `${apiGroup}/machine`,
  /** On a LaunchBatch: a machine may come of it that no StreamNode has yet. */
  launch: `${apiGroup}/launch`,
  /** On a NodeGroup: it still has nodes or machines. */
  nodes: `${apiGroup}/nodes`,
  /** On a ScalePolicy or LaunchConfig: a NodeGroup refers to it. */
  inUse: `${apiGroup}/in-use`,
} as const;

/** Kubernetes' own: an object with it is deleted with `--cascade=orphan`, and what it owns stays. */
export const orphanFinalizer = "orphan";

/** ConfigMap in the operator's namespace with what a manifest may leave out. */
export const defaultsConfigMapName = "streamfleet-defaults";

/** Scale-out modes, as in the original: look again every few seconds, or one at a time with a cool-down. */
export const scaleOutModes = ["Competitive", "Rigid"] as const;
export type ScaleOutMode = (typeof scaleOutModes)[number];

export const pauseModes = ["Scaling", "Everything"] as const;

/** What an alarm watches: gauges of a role in a region over its nodes that count. */
export const alarmMetrics = [
  /** Percent: connections of all of them in their capacity. */
  "ConnectionUtilization",
  "Connections",
  "Publishers",
  "Subscribers",
  /** Percent: mean over the nodes that tell it. */
  "CPUUtilization",
  /** Percent: mean over the nodes that tell it. */
  "MemoryUtilization",
  /** Mbit/s to clients: sum over the nodes that tell it. */
  "EgressMbps",
  /** Connections that the nodes could still take. */
  "FreeSlots",
] as const;
export type AlarmMetric = (typeof alarmMetrics)[number];

export const comparisonOperators = [
  "GreaterThanThreshold",
  "GreaterThanOrEqualToThreshold",
  "LessThanThreshold",
  "LessThanOrEqualToThreshold",
] as const;

export const missingDataTreatments = ["missing", "ignore", "breaching", "notBreaching"] as const;

/** The states of an alarm, in the words of CloudWatch. */
export const alarmStates = ["OK", "ALARM", "INSUFFICIENT_DATA"] as const;

/** What an alarm is for: to add nodes, to remove one, or to be seen. */
export const alarmActions = ["ScaleOut", "ScaleIn", "None"] as const;
export type AlarmAction = (typeof alarmActions)[number];

/** Who may ask for an edge to go. */
export const edgeSources = ["Origin", "Manager"] as const;
export type EdgeSource = (typeof edgeSources)[number];

/** Why a batch was launched: the minimum, or an alarm with a shortage. */
export const launchReasons = ["BelowMinimum", "Alarm"] as const;
export type LaunchReason = (typeof launchReasons)[number];

/** What a registration was believed by. */
export const registrationProofs = ["Address", "FormerToken", "Batch"] as const;
export type RegistrationProof = (typeof registrationProofs)[number];

/** Where the address comes from by which clients reach a node (`LaunchConfig.spec.addressFrom`). */
export const addressSources = ["Public", "Private", "Hostname"] as const;

/** Why a node is to go (`StreamNode.spec.drain.reason`): an alarm, a lowered maximum, or its origin asked for it. */
export const drainReasons = ["ScaleIn", "AboveMaximum", "Requested"] as const;
export type DrainReason = (typeof drainReasons)[number];

/**
 * Condition types with their reasons. Polarity is positive, but for `AtMaximum`, `AtMinimum`, `ScalingLimited`, `Paused`
 * and `LaunchesFailing`, which name an exceptional state. `Ready` is computed from the others.
 */
export const conditionReasons = {
  NodeGroup: {
    /** The launch config and the scale policy exist and are valid. */
    ReferencesResolved: ["Resolved", "NotFound", "Invalid", "NotExamined"],
    /** Each (role, region) has at least its minimum in service. */
    MinimumMet: ["Met", "Launching", "AwaitingNodes", "LaunchesFailing", "Paused", "NotResolved", "AtMaximum"],
    /** Nodes or launches are over, or would be over, the maximum. */
    AtMaximum: ["WithinLimits", "MaximumReached", "AboveMaximum"],
    /** A node would go, but the minimum keeps it. */
    AtMinimum: ["WithinLimits", "MinimumReached"],
    /** Alarms can scale: there are some, the load is known, and nothing is paused. */
    ScalingActive: ["LoadKnown", "NoAlarms", "NoData", "ScalingPaused", "EverythingPaused", "NotResolved", "Deleting"],
    /** Something other than a limit keeps a scaling back, or makes it smaller than the load asks for. */
    ScalingLimited: [
      "NotLimited",
      "CapacityComing",
      "OperationInProgress",
      "CoolingDown",
      "AwaitingAlarm",
      "Stabilizing",
      "LoadTooHigh",
      "NoVictim",
      "ScaleAdjustment",
    ],
    Paused: ["NotPaused", "ScalingPaused", "EverythingPaused", "PauseEnded"],
    /** Every machine that carries the group's tags has been read from the cloud and has its StreamNode. */
    Adopted: ["ListingRead", "AwaitingListing", "ListingFailed", "NotResolved"],
    LaunchesFailing: ["NoFailure", "LaunchFailed"],
    /** It is deleted with `--cascade=orphan`: its nodes stay, and their machines. Absent unless that is so. */
    Orphaned: ["OrphanRequested"],
    /** Each node proves itself at its registration. Absent where that is demanded of all of them. */
    NodesProven: ["BatchTrusted"],
    /** What is decided about it is recorded for later. Absent while it is. */
    HistoryWritten: ["WritesFail"],
    Ready: ["MinimumMet", "NotResolved", "BelowMinimum", "Deleting"],
  },
  ScalePolicy: {
    Accepted: ["Valid", "Invalid"],
    InUse: ["Referenced", "NotReferenced"],
    /** No alarm has a period that is shorter than two report intervals. */
    PeriodsSampled: ["EveryPeriod", "ShorterThanTwoReports"],
  },
  LaunchConfig: {
    Accepted: ["Valid", "Invalid", "PlatformUnavailable"],
    InUse: ["Referenced", "NotReferenced"],
  },
  LaunchBatch: {
    /** Every slot has its machine, or never will. */
    Complete: ["AllLaunched", "PartlyLaunched", "NoneLaunched", "Launching", "AwaitingRetry", "Abandoned", "Paused"],
  },
  StreamNode: {
    Launched: ["MachineKnown", "AwaitingLaunch"],
    Registered: ["CalledBack", "AwaitingBoot", "AwaitingCallback", "Overdue", "Goodbye"],
    InService: [
      "Serving",
      "AwaitingRegistration",
      "AwaitingReport",
      "AwaitingOrigin",
      "AwaitingLink",
      "Goodbye",
      "Terminating",
      "MachineGone",
    ],
    /** In service, and neither draining nor going away. */
    Ready: ["InService", "NotInService", "Draining", "Terminating"],
    /** Nobody is left on a node that is to go. Absent unless it drains. */
    Drained: ["NobodyLeft", "AwaitingAcknowledgement", "ClientsLeft", "NoReport"],
    /** Absent until a termination has to wait or has failed. */
    Terminated: ["AwaitingCloud", "CallFailed", "Paused", "AwaitingBatch", "AwaitingTags", "Confirmed"],
    /** Its reports of the last hour were taken as they are. Absent before the first. */
    ReportsComplete: ["Complete", "PartsDropped", "ReportRefused"],
    /** The operator does not act for it, and does not end its machine. Absent unless that is so. */
    Released: ["NoGroup", "OtherGroup", "OtherName", "LostOwner", "NotAdopted", "TagsDiffer", "HeldByAnother"],
  },
} as const;

/** The conditions of a kind, each with the reasons that it may have. */
export type ConditionOf<K extends keyof typeof conditionReasons> = {
  [T in keyof (typeof conditionReasons)[K]]: {
    readonly type: T;
    readonly reason: (typeof conditionReasons)[K][T] extends readonly (infer R)[] ? R : never;
  };
}[keyof (typeof conditionReasons)[K]];
