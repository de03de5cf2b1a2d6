/** What a person sees while a simulation runs: a screen that is drawn anew, or a line now and then where there is none. */
import { phases, roles } from "../../crds/names.ts";
import type { CrowdCounts } from "./crowd-counts.ts";
import type { FleetView } from "./fleet-view.ts";
import { loadOf, type Sample } from "./sample.ts";
import { wrapped } from "../wrap.ts";
import { secondsText } from "./summary.ts";

/** Where text is shown. */
export interface Terminal {
  write(text: string): void;
  /** The screen in characters; undefined where there is none, but a file or a pipe. */
  readonly screen: ScreenSize | undefined;
}

export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

export interface Scene {
  readonly trace: string;
  readonly totalSeconds: number;
  readonly sample: Sample;
  readonly counts: CrowdCounts;
  readonly view: FleetView;
  /** What is wrong now, such as a server that does not answer. */
  readonly trouble?: string;
}

/** Where the texts begin, beside their labels. */
const labelColumns = 11;

/**
 * What is drawn: never more than fits, or it could not be drawn over. Long texts are wrapped, and the last ones are left out where the
 * screen is too low. The last column stays free, for terminals differ in what they do when it is written to.
 */
export function screenLines(scene: Scene, { columns, rows }: ScreenSize): readonly string[] {
  const room = Math.max(1, rows - 1);
  const width = Math.max(1, columns - 1);
  const facts = factLines(scene).flatMap((line) => wrapped(line, width, labelColumns));
  const reasons = decisionLines(scene.view).map((line) => wrapped(line, width, labelColumns));
  const all = [...facts, ...reasons.flat()];
  if (all.length <= room) return all;
  const shown = [...facts.slice(0, room - 1)];
  for (const lines of reasons) {
    // Half a reason would mislead.
    if (shown.length + lines.length >= room) break;
    shown.push(...lines);
  }
  return [...shown, `… ${all.length - shown.length} lines more`.slice(0, width)];
}

/** What matters most comes first. */
function factLines(scene: Scene): readonly string[] {
  const { sample, counts, view, trouble } = scene;
  return [
    `${scene.trace}  ${timeText(scene)}`,
    ...(trouble === undefined ? [] : [`trouble    ${trouble}`]),
    `viewers    ${sample.wanted} wanted, ${sample.watching} watching, ${sample.waiting} waiting; ${counts.publishing} publishing`,
    `capacity   ${sample.capacity} in service, load ${loadText(sample)}`,
    ...nodeLines(view),
    `alarms     ${alarmsText(view)}`,
    `rejected   ${counts.rejected} of ${counts.arrivals} (${counts.rejectedWithRoom} with room), ${counts.gaveUp} gave up`,
    `sessions   ${counts.cut} cut, ${counts.lost} lost, ${counts.refused} refused`,
  ];
}

/** The same in one line, for a log. */
export function logLine(scene: Scene): string {
  const { sample, counts, view, trouble } = scene;
  const nodes = `${sample.inService} in service, ${sample.starting} starting, ${sample.draining} draining`;
  return [
    timeText(scene),
    `viewers ${sample.watching}/${sample.wanted}`,
    `capacity ${sample.capacity} (load ${loadText(sample)})`,
    `nodes ${nodes}`,
    `alarms ${alarmsText(view)}`,
    `rejected ${counts.rejected}`,
    `lost ${counts.cut + counts.lost}`,
    ...(trouble === undefined ? [] : [`trouble: ${trouble}`]),
  ].join("; ");
}

function timeText({ sample, totalSeconds }: Scene): string {
  return `${secondsText(sample.seconds)} of ${secondsText(totalSeconds)}`;
}

function loadText(sample: Sample): string {
  const load = loadOf(sample);
  const threshold = sample.threshold === undefined ? "" : `, threshold ${sample.threshold} %`;
  return load === undefined ? `unknown${threshold}` : `${load.toFixed(0)} %${threshold}`;
}

function nodeLines({ nodes }: FleetView): readonly string[] {
  return roles.flatMap((role) => {
    const own = nodes.filter((node) => node.role === role);
    const counts = phases
      .map((phase) => ({ phase, count: own.filter((node) => node.phase === phase).length }))
      .filter(({ count }) => count > 0)
      .map(({ phase, count }) => `${count} ${phase}`);
    return own.length === 0 ? [] : [`${`${role}s`.padEnd(11)}${counts.join(", ")}`];
  });
}

function alarmsText({ alarms }: FleetView): string {
  const raised = alarms.filter(({ state }) => state === "ALARM").map(({ alarm, region }) => `${alarm} ${region} ALARM`);
  if (raised.length > 0) return raised.join(", ");
  return alarms.length === 0 ? "none" : `all ${alarms.length} quiet`;
}

function decisionLines({ decisions }: FleetView): readonly string[] {
  return decisions.map(({ role, region, reason, message }) => `${role.padEnd(11)}${region}  ${reason}: ${message}`);
}

/** How often (s) a line is written where there is no screen. */
const lineEverySeconds = 5;

/** Draws scenes on a terminal. */
export class LiveView {
  readonly #terminal: Terminal;
  /** What stands on the screen, the cursor below it. */
  #drawn: readonly string[] = [];
  #nextLineSeconds = 0;
  /** The last decision that was written, by role and region. */
  readonly #written = new Map<string, string>();

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show(scene: Scene): void {
    const { screen } = this.#terminal;
    if (screen === undefined) {
      this.#log(scene);
      return;
    }
    const lines = screenLines(scene, screen);
    this.#terminal.write(redrawn(this.#drawn, lines, screen));
    this.#drawn = lines;
  }

  /** Leaves what is drawn where it is. What a terminal shows of an interrupt (`^C`) goes. */
  end(): void {
    if (this.#drawn.length > 0) this.#terminal.write(`\r${eraseLine}\n`);
    this.#drawn = [];
  }

  #log(scene: Scene): void {
    this.#logDecisions(scene);
    const { seconds } = scene.sample;
    if (seconds < this.#nextLineSeconds) return;
    this.#nextLineSeconds = (Math.floor(seconds / lineEverySeconds) + 1) * lineEverySeconds;
    this.#terminal.write(`${logLine(scene)}\n`);
  }

  /** Whatever is decided otherwise than before, at once. */
  #logDecisions({ view, sample }: Scene): void {
    for (const { role, region, decision, reason, message } of view.decisions) {
      const [place, what] = [`${role} ${region}`, `${decision} ${reason}`];
      if (this.#written.get(place) === what) continue;
      this.#written.set(place, what);
      this.#terminal.write(`${secondsText(sample.seconds)}; ${place}: ${what}: ${message}\n`);
    }
  }
}

const eraseLine = "\u001B[K";
const up = (lines: number): string => (lines > 0 ? `\u001B[${lines}A` : "");

/**
 * Draws over what stands there, line by line: nothing is scrolled away that was drawn before, and nothing flickers. Where the screen
 * has become narrower its terminal has broken the lines that stand there: they take more rows than they were.
 */
function redrawn(before: readonly string[], lines: readonly string[], { columns, rows }: ScreenSize): string {
  const stood = before.reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / Math.max(1, columns))), 0);
  const height = Math.min(stood, Math.max(1, rows) - 1);
  const surplus = Math.max(0, height - lines.length);
  const drawn = [...lines, ...Array<string>(surplus).fill("")].map((line) => `\r${line}${eraseLine}\n`);
  return `${up(height)}${drawn.join("")}${up(surplus)}`;
}
