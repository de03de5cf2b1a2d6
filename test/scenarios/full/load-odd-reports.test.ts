/** Reports with something odd in them: the fleet scales as without, and somebody says what was odd. */
import { afterEach, describe, expect, it } from "@jest/globals";
import { LoadScenario } from "../../support/load-scenario.ts";
import { apiUrl } from "../../support/operator-process.ts";

let scenario: LoadScenario;
afterEach(() => scenario.close());

/** Every report of every node goes through this on its way to the API. */
async function opened(change: (body: Record<string, unknown>) => void): Promise<void> {
  scenario = await LoadScenario.open();
  scenario.fleet.rewriteReports((body) => {
    change(body);
    return body;
  });
}

const dropped = async () =>
  (await (await scenario.fleet.fetch(`${apiUrl}/metrics`)).text())
    .split("\n")
    .filter((line) => line.startsWith("streamfleet_report_parts_dropped_total{"));

const logged = (message: string) => scenario.fleet.logger.lines.filter((line) => line.message === message);

describe("a fleet whose reports", () => {
  it.each([
    [
      "name a stream that is too long",
      (body: Record<string, unknown>) => (body["streams"] = [{ scope: "live", name: "x".repeat(256), subscribers: 0 }]),
      "streams BadText",
    ],
    ["count the cores", (body: Record<string, unknown>) => (body["cpuPercent"] = 180), "cpuPercent OutOfRange"],
    [
      "have a gauge that is not known",
      (body: Record<string, unknown>) => (body["egressMbps"] = null),
      "egressMbps WrongType",
    ],
    [
      "name a stream in characters that are none",
      (body: Record<string, unknown>) => (body["streams"] = [{ scope: "live", name: "\u0000\ud800", subscribers: 1 }]),
      "streams BadText",
    ],
    [
      "list more streams than are kept",
      (body: Record<string, unknown>) =>
        (body["streams"] = Array.from({ length: 2_001 }, () => ({ scope: "a", name: "b", subscribers: 0 }))),
      "streams TooMany",
    ],
  ])("%s scales out all the same, and says so", async (_what, change, word) => {
    await opened(change);
    await scenario.hold(10, 10);
    await scenario.ramp(10, 70, 30);
    await scenario.hold(70, 20);
    expect(scenario.fleet.inService("edge")).toBeGreaterThanOrEqual(6);
    expect(scenario.wrong()).toEqual([]);
    const [part, reason] = word.split(" ");
    expect(await dropped()).toContainEqual(expect.stringContaining(`part="${part}",reason="${reason}"`));
    const edge = scenario.fleet.condition("ReportsComplete", "StreamNode", "live-edge-0");
    expect(edge).toMatchObject({ status: "False", reason: "PartsDropped" });
    expect(edge?.message).toContain(word);
    expect(logged("took a report in part")).toHaveLength(scenario.fleet.nodes().length);
  });

  it("have counts that are nonsense are refused, and that is said", async () => {
    await opened((body) => {
      body["connections"] = -1;
    });
    await scenario.hold(10, 30);
    const edge = scenario.fleet.condition("ReportsComplete", "StreamNode", "live-edge-0");
    expect(edge).toMatchObject({ status: "False", reason: "ReportRefused" });
    expect(edge?.message).toContain("report Counts");
    expect(await dropped()).toContainEqual(expect.stringContaining('part="report",reason="Counts"'));
    expect(logged("refused a report")).toHaveLength(scenario.fleet.nodes().length);
  });

  it("fit are said to be complete, and again an hour after the last that did not", async () => {
    let odd = true;
    await opened((body) => {
      if (odd) body["cpuPercent"] = 180;
    });
    await scenario.hold(1, 20);
    odd = false;
    const condition = () => scenario.fleet.condition("ReportsComplete", "StreamNode", "live-edge-0")?.status;
    expect(condition()).toBe("False");
    await scenario.fleet.advance(3_540_000);
    expect(condition()).toBe("False");
    await scenario.fleet.until("an hour and a look later", () => condition() === "True", 720_000);
  });
});
