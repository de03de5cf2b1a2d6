/** Runs a trace against a fleet in real time: lets the crowd follow it, looks at the fleet, and keeps what it saw. */
import type { AlarmDefinition } from "../../domain/alarm/alarm-definitions.ts";
import type { Clock } from "../../domain/ports.ts";
import { sleep } from "../../runtime/clock.ts";
import { Crowd } from "./crowd.ts";
import type { CrowdCounts } from "./crowd-counts.ts";
import { FleetTally, type FleetView, scaleOutThreshold, viewerRole } from "./fleet-view.ts";
import type { Scene } from "./live-view.ts";
import { type Sample, sampleOf } from "./sample.ts";
import type { LookUp, MediaDoor } from "./session-ports.ts";
import type { Trace } from "./trace.ts";

export interface SimulationOptions {
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly lookUp: LookUp;
  readonly media: MediaDoor;
  readonly client: string;
  /** How long a viewer watches on average; absent: as long as the trace lets it. */
  readonly staySeconds?: number;
  readonly trace: Trace;
  /** Seconds of the trace in one second. The fleet stays in real time. */
  readonly speed: number;
  /** How long to run, in real time. */
  readonly durationSeconds: number;
  readonly view: () => FleetView;
  readonly alarms: readonly AlarmDefinition[];
  /** Told of each sample as it is taken. */
  readonly onScene: (scene: Scene) => void;
  /** Leave the sessions as they are at the end; they go when the media server has heard nothing for a while. */
  readonly keep?: boolean;
}

export interface SimulationResult {
  readonly samples: readonly Sample[];
  readonly counts: CrowdCounts;
  readonly tally: FleetTally;
  /** Why it ended before its time, where that was not on demand. */
  readonly failure?: string;
}

const stepMs = 1_000;
/** Media servers that have not answered for so long (ms) are gone. */
const longestFailureMs = 20_000;

/** Runs to the end of the trace, or until the signal aborts; then everybody leaves. */
export async function simulate(options: SimulationOptions, signal: AbortSignal): Promise<SimulationResult> {
  const crowd = new Crowd(options);
  const tally = new FleetTally();
  const samples: Sample[] = [];
  const failure = await follow(options, { crowd, tally, samples }, signal);
  const counts = crowd.counts;
  if (options.keep !== true) await crowd.leave();
  return { samples, counts, tally, ...(failure !== undefined && { failure }) };
}

interface Course {
  readonly crowd: Crowd;
  readonly tally: FleetTally;
  readonly samples: Sample[];
}

async function follow(options: SimulationOptions, course: Course, signal: AbortSignal): Promise<string | undefined> {
  const { clock, durationSeconds } = options;
  const startMs = clock.monotonicMs();
  let answeredMs = startMs;
  for (let tick = 1; !signal.aborted; tick++) {
    await step(options, course, (clock.monotonicMs() - startMs) / 1_000);
    const nowMs = clock.monotonicMs();
    if (course.crowd.failure === undefined) answeredMs = nowMs;
    else if (nowMs - answeredMs >= longestFailureMs) return course.crowd.failure;
    if (nowMs - startMs >= durationSeconds * 1_000) return undefined;
    await sleep(clock, Math.min(tick * stepMs, durationSeconds * 1_000) - (nowMs - startMs), signal);
  }
  return undefined;
}

async function step(options: SimulationOptions, { crowd, tally, samples }: Course, seconds: number): Promise<void> {
  const { trace, speed, alarms, onScene, durationSeconds } = options;
  const target = trace.at(seconds * speed);
  crowd.setTarget(target);
  await crowd.step();
  const view = options.view();
  crowd.see(view.nodes);
  tally.see(view);
  const moment = { seconds, wanted: target.viewers, ...alarmFacts(view, alarms) };
  const sample = sampleOf(moment, crowd.counts, view);
  samples.push(sample);
  const scene = { trace: trace.name, totalSeconds: durationSeconds, sample, counts: crowd.counts, view };
  onScene(crowd.trouble === undefined ? scene : { ...scene, trouble: crowd.trouble });
}

function alarmFacts(view: FleetView, alarms: readonly AlarmDefinition[]) {
  const threshold = scaleOutThreshold(alarms, viewerRole(view));
  const scaleOut = alarms.filter(({ action }) => action === "ScaleOut").map(({ name }) => name);
  return { scaleOutAlarms: new Set(scaleOut), ...(threshold !== undefined && { threshold }) };
}
