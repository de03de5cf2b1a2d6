/** Last reports of nodes: which of two is kept. */
import type { LastReport } from "../domain/history.ts";
import { instant } from "../domain/time.ts";

/** The newer of two reports of one node, with the latest traffic of both; the first of two that are equally new. */
export function newestReport(a: LastReport, b: LastReport): LastReport {
  const kept = isNewer(b, a) ? b : a;
  const traffic = [a, b].flatMap(({ lastTrafficAt }) => lastTrafficAt ?? []);
  return traffic.length === 0 ? kept : { ...kept, lastTrafficAt: instant(Math.max(...traffic)) };
}

function isNewer(report: LastReport, than: LastReport): boolean {
  const ms = report.lastReportAt - than.lastReportAt;
  return ms > 0 || (ms === 0 && report.sequence > than.sequence);
}
