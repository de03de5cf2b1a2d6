/** Reports come every few seconds and mostly say what the last one said: what is as it was is kept once. */
import type { NodeReport } from "../domain/load.ts";

/**
 * The report, with each list and name that is as in the one before taken from there. What is new then dies young, and memory is
 * not filled with copies that have outlived their five seconds.
 */
export function sharedReport(report: NodeReport, before: NodeReport): NodeReport {
  const { uid, namespace, name } = before;
  return {
    ...report,
    ...{ uid, namespace, name },
    bootId: report.bootId === before.bootId ? before.bootId : report.bootId,
    links: kept(report.links, before.links),
    streams: kept(report.streams, before.streams),
    children: kept(report.children, before.children),
    acknowledged: kept(report.acknowledged, before.acknowledged),
  };
}

/** Lists above this length are taken as they come: to compare them would cost more than to keep them. */
const longest = 64;

function kept<T>(list: readonly T[], before: readonly T[]): readonly T[] {
  if (list.length !== before.length || list.length > longest) return list;
  return list.every((item, place) => isSame(item, before[place])) ? before : list;
}

function isSame<T>(item: T, before: T | undefined): boolean {
  if (item === before) return true;
  if (typeof item !== "object" || item === null) return false;
  for (const field in item) if (item[field] !== before?.[field]) return false;
  return true;
}
