/** What history keeps of a report: the load of its minute, the streams, and the last that was heard of the node. */
import type { StreamNode } from "../crds/stream-node.ts";
import type { NodeReport } from "../domain/load/report.ts";
import type { HistoryRecorder } from "./history-recorder.ts";

/** Says it all at once; nothing is waited for. */
export function recordReport(
  history: Pick<HistoryRecorder, "recordLoad" | "recordStreams" | "recordReport">,
  report: NodeReport,
  { metadata, spec }: StreamNode,
): void {
  const { uid, namespace, name } = metadata;
  const { group, role, region } = spec;
  const { receivedAt: at, bootId, sequence, connections, publishers, subscribers, streams } = report;
  const { cpuPercent, memoryPercent, egressMbps } = report;
  const counts = { connections, publishers, subscribers };
  history.recordLoad({ namespace, group, role, region, at, ...counts });
  history.recordStreams({ namespace, group, nodeUid: uid, streams, at });
  history.recordReport({
    ...{ uid, namespace, group, name, role, region, bootId, sequence, ...counts },
    ...(cpuPercent !== undefined && { cpuPercent }),
    ...(memoryPercent !== undefined && { memoryPercent }),
    ...(egressMbps !== undefined && { egressMbps }),
    lastReportAt: at,
    ...(connections + publishers + subscribers > 0 && { lastTrafficAt: at }),
  });
}
