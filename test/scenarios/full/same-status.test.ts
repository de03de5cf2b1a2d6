/** The same spec ends in the same status, whatever came before. */
import { afterEach, describe, expect, it } from "@jest/globals";
import type { KubernetesObject } from "../../../runtime/kubernetes-api.ts";
import { resourceType } from "../../../crds/names.ts";
import { alarm } from "../../support/manifests.ts";
import { exampleManifests, Fleet, namespace } from "../../support/fleet.ts";

let open: Fleet[] = [];
afterEach(() => {
  for (const fleet of open) fleet.close();
  open = [];
});

type Fields = Readonly<Record<string, unknown>>;

/** What people say in the three objects, beside the example; absent: as the example has it. */
interface Says {
  readonly policy?: Fields;
  readonly group?: Fields;
  readonly config?: Fields;
}

const alarms = [alarm({ threshold: 90 })];
const idle = alarm({ name: "edges-idle", threshold: 1, comparisonOperator: "LessThanThreshold", action: "ScaleIn" });
const says: Readonly<Record<string, Says>> = {
  "the example": {},
  "alarms of its own": { policy: { alarms } },
  "other alarms": { policy: { alarms: [idle, alarm({ name: "else", threshold: 80 })] } },
  "no alarms": { policy: { alarms: [] } },
  "a policy that is not there": { group: { scalePolicyRef: { name: "nobody" } } },
  "a launch config that is not there": { group: { launchConfigRef: { name: "nobody" } } },
  "a pause": { group: { pause: { mode: "Everything", reason: "a test" } } },
  Rigid: { policy: { scaleOut: { mode: "Rigid" } } },
  "another image": { config: { image: "other" } },
};
const names = Object.keys(says);

const spec = (manifest: KubernetesObject, more: Fields = {}): KubernetesObject => ({
  ...manifest,
  spec: { ...(manifest["spec"] as Fields), ...more },
});

async function apply(fleet: Fleet, { config = {}, policy = {}, group = {} }: Says): Promise<void> {
  const [one, two, three] = exampleManifests();
  if (one === undefined || two === undefined || three === undefined) throw new Error("the example has changed");
  for (const manifest of [spec(one, config), spec(two, policy), spec(three, group)]) await fleet.apply(manifest);
}

async function settled(fleet: Fleet): Promise<unknown> {
  // Longer than the stabilization window of 300 s.
  await fleet.advance(420_000);
  const kinds = ["NodeGroup", "ScalePolicy", "LaunchConfig"] as const;
  const objects = await Promise.all(
    kinds.map((kind) => fleet.kube.get(resourceType(kind), { namespace, name: "live" })),
  );
  return withoutTimes(objects.map((object) => object["status"]));
}

/** When it came about is history, and so is which change it was. */
function withoutTimes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutTimes);
  if (typeof value === "string") return value.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "then");
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([name]) => name !== "observedGeneration");
  return Object.fromEntries(kept.map(([name, inner]) => [name, withoutTimes(inner)]));
}

async function fleetOf(...way: readonly string[]): Promise<Fleet> {
  const fleet = new Fleet();
  open.push(fleet);
  await fleet.start();
  await apply(fleet, {});
  await fleet.until("in service", () => fleet.inService() === 3, 15_000);
  for (const name of way) {
    await fleet.advance(60_000);
    await apply(fleet, says[name] ?? {});
  }
  return fleet;
}

describe.each(names)("%s", (name) => {
  it("shows the same after anything else", async () => {
    const expected = await settled(await fleetOf(name));
    const others = names.filter((other) => other !== name);
    for (const other of others) expect([other, await settled(await fleetOf(other, name))]).toEqual([other, expected]);
  });
});

describe.each(["no alarms", "a policy that is not there", "alarms of its own"])("a new group with %s", (name) => {
  it("shows the alarms that an old one shows, and a list even where there are none", async () => {
    const fresh = new Fleet();
    open.push(fresh);
    await fresh.start();
    await apply(fresh, says[name] ?? {});
    await fresh.advance(60_000);
    const old = await fleetOf("the example", name);
    await old.advance(60_000);
    const alarmsOf = (fleet: Fleet) => fleet.group().status?.alarms?.map(({ alarm: of, region }) => [of, region]);
    expect(alarmsOf(fresh)).toEqual(alarmsOf(old));
    expect(alarmsOf(fresh)).toHaveLength(name === "alarms of its own" ? 1 : 0);
  });
});
