import type { LastReport } from "../../domain/history.ts";
import type { LastReportStore } from "../../domain/ports.ts";
import type { Instant } from "../../domain/time.ts";
import { newestReport } from "../last-reports.ts";

/** Last reports in memory. */
export class MemoryLastReports implements LastReportStore {
  readonly #reports = new Map<string, LastReport>();

  record(reports: readonly LastReport[]): Promise<void> {
    for (const report of reports) {
      const known = this.#reports.get(report.uid);
      this.#reports.set(report.uid, known === undefined ? report : newestReport(known, report));
    }
    return Promise.resolve();
  }

  read(filter: { readonly namespace: string; readonly group: string }): Promise<readonly LastReport[]> {
    const { namespace, group } = filter;
    const ofGroup = [...this.#reports.values()].filter((row) => row.namespace === namespace && row.group === group);
    return Promise.resolve(ofGroup.sort((a, b) => a.name.localeCompare(b.name) || a.lastReportAt - b.lastReportAt));
  }

  prune(before: Instant): Promise<number> {
    const old = [...this.#reports].filter(([, { lastReportAt }]) => lastReportAt < before);
    for (const [uid] of old) this.#reports.delete(uid);
    return Promise.resolve(old.length);
  }
}
