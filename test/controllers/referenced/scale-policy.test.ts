/** What a ScalePolicy says of itself: which mode and which alarms hold, and what is wrong with the fleet's defaults. */
import { describe, expect, it } from "@jest/globals";
import type { Cache, Collection, ConfigMap } from "../../../fleet/cluster.ts";
import { scalePolicyReconciler } from "../../../controllers/referenced/scale-policy.ts";
import { resourceType } from "../../../crds/names.ts";
import type { NodeGroup } from "../../../crds/node-group.ts";
import { type ScalePolicy, scalePolicySchema } from "../../../crds/scale-policy.ts";
import { findCondition } from "../../../domain/conditions.ts";
import { silentLogger } from "../../../runtime/logger.ts";
import { ObjectCache } from "../../../runtime/object-cache.ts";
import { ResourceClient } from "../../../runtime/resource-client.ts";
import { productApi } from "../../support/embedded-api.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { alarm, edgeLimits, scalePolicyManifest } from "../../support/manifests.ts";

const key = { namespace: "default", name: "live" };

function cacheOf<T>(entries: Readonly<Record<string, T>> = {}): Cache<T> {
  const cache = new ObjectCache<T>({ scalePolicy: () => [] });
  for (const [name, object] of Object.entries(entries)) cache.set(name, object);
  return Object.assign(cache, { onChange: () => () => undefined });
}

/** The message of `Accepted` for a policy of this spec, under these defaults of the fleet. */
async function acceptance(spec: Readonly<Record<string, unknown>>, data?: Readonly<Record<string, string>>) {
  return findCondition(await judged(spec, data === undefined ? {} : { data }), "Accepted");
}

interface Around {
  /** Of the ConfigMap with the defaults. */
  readonly data?: Readonly<Record<string, string>>;
  readonly staleMs?: number;
}

/** The conditions of a policy with this spec. */
async function judged(spec: Readonly<Record<string, unknown>>, { data, staleMs = 10_000 }: Around = {}) {
  const clock = new FakeClock();
  const api = productApi({ clock, namespaces: ["default"] });
  const type = resourceType("ScalePolicy");
  const client = new ResourceClient({ api, type, parse: (raw) => scalePolicySchema.parse(raw) });
  await api.create(type, { ...scalePolicyManifest(spec), metadata: key });
  const policy = await client.get(key);
  if (policy === undefined) throw new Error("the policy was not stored");
  const scalePolicies: Collection<ScalePolicy> = { cache: cacheOf({ "default/live": policy }), client };
  const groups = new ResourceClient<NodeGroup>({
    api,
    type,
    parse: () => {
      throw new Error("no group is read");
    },
  });
  const defaults: ConfigMap = { metadata: { name: "streamfleet-defaults" }, ...(data !== undefined && { data }) };
  const cluster = {
    scalePolicies,
    nodeGroups: { cache: cacheOf<NodeGroup>(), client: groups },
    defaults: cacheOf({ "streamfleet/streamfleet-defaults": defaults }),
  };
  const reconciler = scalePolicyReconciler({ cluster, clock, namespace: "streamfleet", staleMs });
  await reconciler.reconcile(key, { signal: new AbortController().signal, logger: silentLogger });
  return (await client.get(key))?.status?.conditions;
}

describe("an accepted policy", () => {
  it.each([
    [
      "names the default alarms of its roles",
      {},
      "scale-out mode Competitive (the default); alarms edge-scale-out, edge-scale-in (the default)",
    ],
    ["says that it has none", { alarms: [] }, "scale-out mode Competitive (the default); no alarms (spec.alarms)"],
    [
      "names its own, and those that have nothing to watch",
      {
        scaleOut: { mode: "Rigid" },
        alarms: [alarm(), alarm({ name: "relays-full", role: "relay" }), alarm({ name: "origins", role: "origin" })],
        regionOverrides: [{ region: "region-b", roles: [edgeLimits({ role: "origin" })] }],
      },
      "scale-out mode Rigid (spec.scaleOut.mode); alarms edges-full, relays-full, origins (spec.alarms); alarm relays-full watches nothing, for spec.roles has no relay",
    ],
  ])("%s", async (_name, spec, message) => {
    expect(await acceptance(spec)).toMatchObject({ status: "True", reason: "Valid", message });
  });

  it("tells which defaults of the fleet are passed over", async () => {
    const accepted = await acceptance({}, { "scaleOutThreshold.edge": "lots", scaleOutMode: "Rigid" });
    expect(accepted).toMatchObject({ status: "True" });
    expect(accepted?.message).toMatch(
      /^scale-out mode Rigid \(the default\); .*; ConfigMap streamfleet-defaults: scaleOutThreshold\.edge "lots" is no percentage from 1 to 100: 60 is used$/,
    );
  });
});

describe("a policy whose alarms have short periods", () => {
  const fast = alarm({ name: "fast", periodSeconds: 9 });

  it.each([
    ["the default ones at the usual interval", {}, 10_000, "True", /each period/],
    ["none", { alarms: [] }, 60_000, "True", /each period/],
    [
      "the default ones at a longer interval",
      {},
      12_000,
      "False",
      /edge-scale-out \(10 s\).*periodSeconds of 12 or more/,
    ],
    [
      "one of two of its own",
      { alarms: [fast, alarm({ name: "slow", periodSeconds: 10 })] },
      10_000,
      "False",
      /fast \(9 s\)\./,
    ],
  ] as const)("says so: %s", async (_name, spec, staleMs, status, message) => {
    const condition = findCondition(await judged(spec, { staleMs }), "PeriodsSampled");
    expect(condition).toMatchObject({ status, message: expect.stringMatching(message) });
  });
});
