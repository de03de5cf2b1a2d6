/**
 * What is taken of a report. Who speaks and how many clients there are decides about servers, so that has to make sense; anything
 * else is taken as far as it does, for one odd value of a stranger is not to silence a node. Pure.
 */
import { z } from "zod";
import { LossTally, type PartFault, type PartLoss, type ReportPart } from "../domain/load/report-parts.ts";
import {
  count,
  highestSequence,
  identifier,
  mostAcknowledged,
  mostChildren,
  mostCount,
  mostLinks,
  mostStreams,
  type ReportRequest,
} from "./node-schemas.ts";
import { sayMissing } from "./missing-field.ts";

/** Who a node is and how far it has counted. */
const identitySchema = z.object({ bootId: identifier(128), sequence: z.int().min(0).max(highestSequence) });
const countsSchema = z.object({ connections: count, publishers: count, subscribers: count });

export type Intake =
  | { readonly kind: "Taken"; readonly report: ReportRequest; readonly losses: readonly PartLoss[] }
  | { readonly kind: "Refused"; readonly reason: "Identity" | "Counts"; readonly error: z.ZodError };

type Fields = Readonly<Record<string, unknown>>;

/** Takes a parsed body apart. */
export function takeReport(body: unknown): Intake {
  const identity = identitySchema.safeParse(body, { error: sayMissing });
  if (!identity.success) return { kind: "Refused", reason: "Identity", error: identity.error };
  const counts = countsSchema.safeParse(body, { error: sayMissing });
  if (!counts.success) return { kind: "Refused", reason: "Counts", error: counts.error };
  const tally = new LossTally();
  const rest = partsOf(body as Fields, tally);
  return { kind: "Taken", report: { ...identity.data, ...counts.data, ...rest }, losses: tally.losses() };
}

type Parts = Omit<ReportRequest, "bootId" | "sequence" | "connections" | "publishers" | "subscribers">;

function partsOf(body: Fields, tally: LossTally): Parts {
  const { admitted, cpuPercent, memoryPercent, egressMbps } = {
    admitted: wholeNumber(body, "admitted", tally),
    cpuPercent: gauge(body, "cpuPercent", 100, tally),
    memoryPercent: gauge(body, "memoryPercent", 100, tally),
    egressMbps: gauge(body, "egressMbps", mostCount, tally),
  };
  return {
    ...(admitted !== undefined && { admitted }),
    ...(cpuPercent !== undefined && { cpuPercent }),
    ...(memoryPercent !== undefined && { memoryPercent }),
    ...(egressMbps !== undefined && { egressMbps }),
    accepting: accepting(body, tally),
    streams: items(body, { part: "streams", most: mostStreams }, tally, streamOf),
    links: items(body, { part: "links", most: mostLinks }, tally, linkOf),
    children: items(body, { part: "children", most: mostChildren }, tally, childOf),
    acknowledged: items(body, { part: "acknowledged", most: mostAcknowledged }, tally, (item) => nameOf(item, 128)),
  };
}

/** A word that cannot be understood is as none: only a clear `false` ends what draining waits for. */
function accepting(body: Fields, tally: LossTally): boolean {
  const value = body["accepting"];
  if (typeof value === "boolean") return value;
  if (value !== undefined) tally.add("accepting", "WrongType");
  return true;
}

/** By how much (in parts of the range) rounding may miss the range: more than that is another unit or an error. */
const rounding = 0.01;

/** A number from 0 to `most`, or none: a value that means nothing is not to add or to spare a server. */
function gauge(body: Fields, part: "cpuPercent" | "memoryPercent" | "egressMbps", most: number, tally: LossTally) {
  const value = body[part];
  if (value === undefined) return undefined;
  const fault = gaugeFault(value, most);
  if (fault !== undefined) tally.add(part, fault);
  if (typeof value !== "number" || fault === "WrongType" || !isAbout(value, most)) return undefined;
  return Math.min(Math.max(value, 0), most);
}

function gaugeFault(value: unknown, most: number): PartFault | undefined {
  if (typeof value !== "number" || !Number.isFinite(value)) return "WrongType";
  return value < 0 || value > most ? "OutOfRange" : undefined;
}

/** Whether it is in its range, or has missed it by rounding. */
function isAbout(value: number, most: number): boolean {
  return value >= -rounding * most && value <= (1 + rounding) * most;
}

function wholeNumber(body: Fields, part: "admitted", tally: LossTally): number | undefined {
  const value = body[part];
  if (value === undefined) return undefined;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  tally.add(part, typeof value === "number" ? "OutOfRange" : "WrongType");
  return undefined;
}

/** An item as it is taken, or why it is not. */
type Item<T> = { readonly value: T; readonly clamped?: PartFault } | { readonly fault: PartFault };

function items<T>(
  body: Fields,
  { part, most }: { readonly part: ReportPart; readonly most: number },
  tally: LossTally,
  read: (item: unknown) => Item<T>,
): T[] {
  const list = body[part];
  if (list === undefined) return [];
  if (!Array.isArray(list)) {
    tally.add(part, "WrongType");
    return [];
  }
  if (list.length > most) tally.add(part, "TooMany", list.length - most);
  return list.slice(0, most).flatMap((item: unknown) => {
    const taken = read(item);
    if ("fault" in taken) {
      tally.add(part, taken.fault);
      return [];
    }
    if (taken.clamped !== undefined) tally.add(part, taken.clamped);
    return [taken.value];
  });
}

/** What publishers and viewers choose is made to fit: a stream counts, whatever it is called. */
function streamOf(item: unknown): Item<ReportRequest["streams"][number]> {
  if (!isFields(item)) return { fault: "WrongType" };
  const [scope, name] = [clampText(item["scope"]), clampText(item["name"])];
  if (scope === undefined || name === undefined) return { fault: "WrongType" };
  const subscribers = count.safeParse(item["subscribers"]);
  const value = { scope: scope.text, name: name.text, subscribers: subscribers.success ? subscribers.data : 0 };
  if (scope.clamped || name.clamped) return { value, clamped: "BadText" };
  return subscribers.success ? { value } : { value, clamped: "OutOfRange" };
}

function linkOf(item: unknown): Item<ReportRequest["links"][number]> {
  if (!isFields(item)) return { fault: "WrongType" };
  const parent = nameOf(item["parent"], 253);
  if ("fault" in parent) return parent;
  const state = (["established", "connecting", "lost"] as const).find((known) => known === item["state"]);
  return state === undefined ? { fault: "OutOfRange" } : { value: { parent: parent.value, state } };
}

function childOf(item: unknown): Item<ReportRequest["children"][number]> {
  if (!isFields(item)) return { fault: "WrongType" };
  const name = nameOf(item["name"], 253);
  if ("fault" in name) return name;
  const counts = z.object({ connections: count, subscribers: count, streams: count }).safeParse(item);
  return counts.success ? { value: { name: name.value, ...counts.data } } : { fault: "OutOfRange" };
}

/** A name that was given by us, or by the media server itself: it fits, or it is none. */
function nameOf(value: unknown, longest: number): Item<string> {
  if (typeof value !== "string") return { fault: "WrongType" };
  const name = identifier(longest).safeParse(value);
  return name.success ? { value: name.data } : { fault: "BadText" };
}

const longestStreamText = 255;
/** Stands for a name that is empty. */
const nameless = "?";

/** Without control characters and halves of characters, and not longer than it may be. Undefined: no text. */
function clampText(value: unknown): { readonly text: string; readonly clamped: boolean } | undefined {
  if (typeof value !== "string") return undefined;
  const clean = value
    .slice(0, longestStreamText)
    .toWellFormed()
    .replace(/\p{Cc}/gu, "\ufffd");
  const taken = clean === "" ? nameless : clean;
  return { text: taken, clamped: taken !== value };
}

function isFields(item: unknown): item is Fields {
  return typeof item === "object" && item !== null && !Array.isArray(item);
}
