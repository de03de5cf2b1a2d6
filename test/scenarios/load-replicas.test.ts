/**
 * Two processes, each with a node API that knows only what it is told itself, and a leader among them that follows both
 * feeds. One of them dies: its nodes report to the other, and nothing goes for what was not heard meanwhile.
 */
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { LoadScenario } from "../support/load-scenario.ts";
import { type OperatorProcess, urlOf } from "../support/operator-process.ts";

let scenario: LoadScenario;
let leader: OperatorProcess;
let other: OperatorProcess;

const identities = ["first", "second"] as const;
const feeds = identities.map(urlOf);

beforeEach(async () => {
  const [first, second] = identities;
  const fleet = { shared: true };
  scenario = await LoadScenario.open({ fleet, process: { identity: first, election: true, feeds } });
  leader = scenario.fleet.process;
  other = await scenario.fleet.start({ identity: second, election: true, feeds });
});
afterEach(() => scenario.close());

/** As many connections on every edge. */
function occupy(clients: number): void {
  for (const { metadata } of scenario.fleet.nodes("edge")) {
    const load = { connections: clients, publishers: 0, subscribers: clients, streams: [] };
    scenario.fleet.mediaFleet.nodeNamed(metadata)?.setLoad(load);
  }
}

const edges = () => scenario.fleet.nodes("edge");
const uids = () => edges().map(({ metadata }) => metadata.uid);
const inService = () => scenario.fleet.inService("edge");
const heardBy = ({ reports }: OperatorProcess) => uids().filter((uid) => reports.latest(uid) !== undefined).length;
const heardOf = ({ feed }: OperatorProcess) => uids().filter((uid) => feed.latest(uid) !== undefined).length;

/** Four edges, of which each replica hears some, and the leader all. */
async function peak(): Promise<void> {
  const { fleet } = scenario;
  await fleet.advance(30_000);
  occupy(16);
  await fleet.until("more edges", () => inService() >= 3, 30_000);
  await fleet.until("enough", () => inService() === scenario.edges.launches.length, 30_000);
  await fleet.advance(10_000);
  for (const replica of [leader, other]) expect(heardBy(replica)).toBeLessThan(edges().length);
  for (const replica of [leader, other]) expect(heardOf(replica)).toBe(edges().length);
}

async function expectNothingMoves(ms: number): Promise<void> {
  const start = scenario.fleet.clock.monotonicMs();
  for (let past = 0; past < ms; past += 10_000) {
    await scenario.fleet.advance(10_000);
    expect(scenario.edges.since(start)).toEqual({ launches: 0, drains: 0 });
    expect(scenario.edges.wrong).toEqual([]);
  }
}

describe("two replicas of the API", () => {
  it("one dies: the other takes its nodes' reports, and the fleet stays as it is", async () => {
    await peak();
    const count = inService();
    other.kill();
    await expectNothingMoves(60_000);
    expect(heardBy(leader)).toBe(edges().length);
    expect(inService()).toBe(count);
    // And it still scales, by what it hears alone.
    occupy(19);
    await scenario.fleet.until("more edges", () => inService() > count, 30_000);
    expect(scenario.edges.wrong).toEqual([]);
  });

  it("the leader's dies: the other leads on, has heard of every node, and ends none", async () => {
    await peak();
    const count = inService();
    leader.kill();
    await expectNothingMoves(120_000);
    expect(inService()).toBe(count);
    expect(heardOf(other)).toBe(edges().length);
    occupy(19);
    await scenario.fleet.until("more edges", () => inService() > count, 30_000);
    expect(scenario.edges.wrong).toEqual([]);
  });

  it("one falls silent with its nodes: what it told last ages, and nothing goes, however idle the rest is", async () => {
    await peak();
    // Its nodes go on asking for it, and get no answer: nobody takes over.
    const deaf = edges().filter(({ metadata }) => other.reports.latest(metadata.uid) !== undefined);
    expect(deaf.length).toBeGreaterThan(0);
    scenario.fleet.cut((path) => deaf.some(({ metadata }) => path.includes(`/${metadata.name}/`)));
    scenario.fleet.cut((path) => path.includes("/live-origin-0/"));
    other.kill();
    occupy(0);
    await expectNothingMoves(900_000);
  });
});
