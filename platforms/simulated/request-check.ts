/** What the simulated cloud refuses in a request, with EC2's limits, and how it knows a request again. */
import { createHash } from "node:crypto";
import type { LaunchRequest } from "../platform.ts";

const largestLaunch = 50;
const userDataLimitBytes = 16_384;
const tokenPattern = /^[\x21-\x7e]{1,128}$/;

/** Why a launch cannot be carried out, or undefined where it can. */
export function launchObjection(request: LaunchRequest): string | undefined {
  if (!tokenPattern.test(request.token)) return "token must be 1 to 128 printable ASCII characters without a space";
  if (!Number.isInteger(request.count) || request.count < 1 || request.count > largestLaunch) {
    return `count must be a whole number from 1 to ${largestLaunch}, not ${request.count}`;
  }
  if (request.image === "") return "image must not be empty";
  if (request.instanceType === "") return "instanceType must not be empty";
  if (Buffer.byteLength(request.userData) > userDataLimitBytes) {
    return `userData must not be longer than ${userDataLimitBytes} bytes`;
  }
  return tagsObjection(request.tags);
}

/** Why a machine cannot carry these tags, or undefined where it can. */
export function tagsObjection(tags: Readonly<Record<string, string>>): string | undefined {
  const entries = Object.entries(tags);
  if (entries.length > 50) return "a machine carries at most 50 tags";
  const bad = entries.find(([key, value]) => key === "" || key.length > 128 || value.length > 256);
  return bad && `tag "${bad[0]}": a key has 1 to 128 characters and a value at most 256`;
}

/** The same for two requests that ask for the same, whatever the order of their tags and zones. */
export function fingerprintOf(request: LaunchRequest): string {
  const { region, count, image, instanceType, userData, nodesByZone } = request;
  // Requests of earlier versions knew no zones: their repeats must stay the same.
  const zones = nodesByZone === undefined ? [] : [sortedEntries(nodesByZone)];
  const tags = sortedEntries(request.tags);
  return sha256(JSON.stringify([region, count, image, instanceType, userData, tags, ...zones]));
}

function sortedEntries<V>(record: Readonly<Record<string, V>>): readonly (readonly [string, V])[] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The id of a launch's machine: from its token, so that a cloud that lost its memory never gives an id to another. */
export function providerIdOf(token: string, launchIndex: number): string {
  return `sim-${sha256(`${token}/${launchIndex}`).slice(0, 17)}`;
}

/** A number from 0 up to 1 that is always the same for the same words: chance that a test can repeat. */
export function chance(...words: readonly string[]): number {
  return Number.parseInt(sha256(words.join("/")).slice(0, 8), 16) / 2 ** 32;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
