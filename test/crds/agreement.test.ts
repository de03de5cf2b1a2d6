import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { z } from "zod";
import { launchBatchSchema } from "../../crds/launch-batch.ts";
import { launchConfigSchema } from "../../crds/launch-config.ts";
import { type Kind, kinds } from "../../crds/names.ts";
import { nodeGroupSchema } from "../../crds/node-group.ts";
import { scalePolicySchema } from "../../crds/scale-policy.ts";
import { timeSchema } from "../../crds/schema.ts";
import { streamNodeSchema } from "../../crds/stream-node.ts";
import { fromRfc3339 } from "../../domain/time.ts";
import {
  fullValue,
  type Path,
  type Place,
  placesOf,
  replaced,
  schemaOf,
  type SchemaNode,
  withDefaults,
} from "../support/crd-schema.ts";
import { alarm, launchConfigManifest, nodeGroupManifest, scalePolicyManifest } from "../support/manifests.ts";
import { stored } from "../support/resources.ts";

const readers: Readonly<Record<Kind, z.ZodType>> = {
  NodeGroup: nodeGroupSchema,
  ScalePolicy: scalePolicySchema,
  LaunchConfig: launchConfigSchema,
  LaunchBatch: launchBatchSchema,
  StreamNode: streamNodeSchema,
};
const everyKind = Object.keys(kinds) as Kind[];

/** An object of the kind with every field that its CRD knows. */
function fullObject(kind: Kind): unknown {
  const { metadata } = stored({ apiVersion: "", kind, metadata: { name: "live" } });
  return { ...(fullValue(schemaOf(kind)) as object), metadata };
}

function placesIn(kind: Kind): readonly Place[] {
  return placesOf({ path: [], schema: schemaOf(kind) }).filter(
    ({ path }) => path[0] === "spec" || path[0] === "status",
  );
}

describe.each(everyKind)("reader and CRD of %s", (kind) => {
  const full = fullObject(kind);
  const reader = readers[kind];

  it("know the same fields: none is lost on the way", () => {
    const { spec, status } = full as { readonly spec: unknown; readonly status: unknown };
    expect(reader.parse(full)).toMatchObject({ spec, status });
  });

  it("agree on what may be left out", () => {
    for (const { path, schema } of placesIn(kind)) {
      for (const name of Object.keys(schema.properties ?? {})) {
        const isRequired = schema.required?.includes(name) === true;
        const read = reader.safeParse(replaced(full, [...path, name], undefined));
        expect([...path, name, read.success]).toEqual([...path, name, !isRequired]);
      }
    }
  });

  it("agree on the furthest values that a field may have", () => {
    const places = placesIn(kind).flatMap((place) => allowed(place.schema).map((value) => ({ ...place, value })));
    expect(places.length).toBeGreaterThan(10);
    for (const { path, value } of places) {
      expect([path, reader.safeParse(replaced(full, path, value)).error?.issues]).toEqual([path, undefined]);
    }
  });

  it("agree on the first values that it may not have", () => {
    const places = placesIn(kind).flatMap((place) => refused(place.schema).map((value) => ({ ...place, value })));
    expect(places.length).toBeGreaterThan(10);
    for (const { path, value } of places) {
      expect([path, firstIssue(reader, replaced(full, path, value))]).toEqual([path, path]);
    }
  });
});

function firstIssue(reader: z.ZodType, value: unknown): Path | undefined {
  return reader.safeParse(value).error?.issues[0]?.path.map((step) => (typeof step === "symbol" ? "" : step));
}

/** Values at the edge of what the CRD takes. */
function allowed(schema: SchemaNode): readonly unknown[] {
  switch (schema.type) {
    case "integer":
    case "number":
      return [schema.minimum, schema.maximum].filter((bound) => bound !== undefined);
    case "array":
      return [itemsOf(schema, schema.minItems ?? 0), itemsOf(schema, schema.maxItems ?? 0)];
    case "string":
      if (schema.enum !== undefined) return schema.enum;
      return ["a".repeat(schema.minLength ?? 1), "a".repeat(schema.maxLength ?? 1)].filter((text) =>
        fits(schema, text),
      );
    default:
      return [];
  }
}

/** Values just beyond the edge. */
function refused(schema: SchemaNode): readonly unknown[] {
  switch (schema.type) {
    case "integer":
      return [(schema.minimum ?? NaN) - 1, ...(schema.maximum === undefined ? [] : [schema.maximum + 1]), 0.5, "1"];
    case "number":
      return [(schema.minimum ?? NaN) - 0.5, (schema.maximum ?? NaN) + 0.5, "1"];
    case "array":
      return [
        itemsOf(schema, (schema.maxItems ?? NaN) + 1),
        ...(schema.minItems === undefined ? [] : [itemsOf(schema, schema.minItems - 1)]),
        {},
      ];
    case "string":
      return [
        ...(schema.enum === undefined ? [] : ["Unheard"]),
        ...(schema.minLength === undefined ? [] : [""]),
        ...(schema.maxLength === undefined ? [] : ["a".repeat(schema.maxLength + 1)]),
        ...(schema.pattern === undefined ? [] : [fits(schema, "_") ? "\u001b" : "_"]),
        1,
      ];
    case "object":
      return ["text", []];
    default:
      return [];
  }
}

function fits({ pattern }: SchemaNode, text: string): boolean {
  return pattern === undefined || new RegExp(pattern, "u").test(text);
}

function itemsOf({ items }: SchemaNode, count: number): readonly unknown[] {
  return Array.from({ length: count }, () => (items === undefined ? "" : fullValue(items)));
}

describe("a manifest that leaves out what it may", () => {
  const override = { region: "region-b", roles: [{ role: "edge", minLimit: 0, maxLimit: 1 }] };

  it.each([
    ["NodeGroup", nodeGroupManifest()],
    ["NodeGroup", nodeGroupManifest({ pause: { mode: "Everything" } })],
    ["ScalePolicy", scalePolicyManifest()],
    ["ScalePolicy", scalePolicyManifest({ regionOverrides: [override] })],
    ["ScalePolicy", scalePolicyManifest({ scaleOut: { mode: "Rigid" }, scaleIn: { edgeSources: [] } })],
    ["ScalePolicy", scalePolicyManifest({ alarms: [] })],
    ["ScalePolicy", scalePolicyManifest({ alarms: [alarm()] })],
    ["LaunchConfig", launchConfigManifest()],
  ] as const)("is read with the defaults that the CRD of %s states", (kind, manifest) => {
    const object = stored(manifest);
    const { spec } = readers[kind].parse(object) as { readonly spec: unknown };
    expect(spec).toEqual((withDefaults(schemaOf(kind), object) as { readonly spec: unknown }).spec);
  });

  it("gets the defaults that the documentation names", () => {
    const policy = scalePolicySchema.parse(stored(scalePolicyManifest()));
    expect(policy.spec.scaleOut).toEqual({ coolDownSeconds: 180, reevaluateSeconds: 5 });
    const edgeSources = ["Origin", "Manager"];
    expect(policy.spec.scaleIn).toEqual({ stabilizationSeconds: 300, idleSeconds: 60, edgeSources });
    expect(policy.spec).not.toHaveProperty("alarms");
    const watching = scalePolicySchema.parse(stored(scalePolicyManifest({ alarms: [alarm()] })));
    expect(watching.spec.alarms?.[0]).toMatchObject({
      statistic: "Average",
      periodSeconds: 10,
      evaluationPeriods: 1,
      treatMissingData: "missing",
    });
    expect(watching.spec.alarms?.[0]).not.toHaveProperty("datapointsToAlarm");
    expect(policy.spec.roles[0]).toMatchObject({ scaleInWaitSeconds: 0, estimatedWarmUpSeconds: 150 });
    expect(policy.spec.roles[0]).not.toHaveProperty("scaleAdjustment");
    expect(launchConfigSchema.parse(stored(launchConfigManifest())).spec.registrationTimeoutSeconds).toBe(150);
  });
});

describe("a text that people write", () => {
  it.each([
    ["a reason to pause", nodeGroupSchema, nodeGroupManifest({ pause: { mode: "Scaling", reason: "🎬".repeat(256) } })],
    ["a script", launchConfigSchema, launchConfigManifest({ userData: "🎬".repeat(10_240) })],
    ["a property", launchConfigSchema, launchConfigManifest({ properties: { a: "🎬".repeat(1_024) } })],
    ["a tag", launchConfigSchema, launchConfigManifest({ metadata: { a: "🎬".repeat(256) } })],
  ])("is counted as the API server counts it: %s", (_name, reader, manifest) => {
    expect(reader.safeParse(stored(manifest)).error).toBeUndefined();
  });

  it("is refused when it is longer by that count", () => {
    const manifest = nodeGroupManifest({ pause: { mode: "Scaling", reason: "🎬".repeat(257) } });
    expect(firstIssue(nodeGroupSchema, stored(manifest))).toEqual(["spec", "pause", "reason"]);
  });
});

/** What a Kubernetes API server takes as `format: date-time` (strfmt.IsDateTime). */
function isDateTime(text: string): boolean {
  const [day = "", time] = text.toLowerCase().split("t");
  if (time === undefined || !isDay(day)) return false;
  const match = /^([0-9]{2}):([0-9]{2}):([0-9]{2})(.[0-9]+)?(z|([+-][0-9]{2}:[0-9]{2}))$/.exec(time);
  return match !== null && (match[1] ?? "") <= "23" && (match[2] ?? "") <= "59" && (match[3] ?? "") <= "59";
}

function isDay(text: string): boolean {
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : NaN;
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
}

const digits = (max: number) => fc.nat({ max }).map((number) => String(number).padStart(2, "0"));
const anyTimeText = fc
  .record({
    year: fc.constantFrom("2026", "2024", "1900", "0000"),
    month: digits(13),
    day: digits(32),
    t: fc.constantFrom("T", "T", "T", "t", " ", ""),
    time: fc.tuple(digits(24), digits(60), digits(60)).map((parts) => parts.join(":")),
    fraction: fc.constantFrom("", ".5", ".123456789", ",5", ".", "x1"),
    zone: fc.oneof(
      fc.constantFrom("Z", "Z", "z", "", "+0100", "\n"),
      fc.tuple(fc.constantFrom("+", "-"), digits(25), digits(61)).map(([sign, h, m]) => `${sign}${h}:${m}`),
    ),
  })
  .map(({ year, month, day, t, time, fraction, zone }) => `${year}-${month}-${day}${t}${time}${fraction}${zone}`);

describe("a time", () => {
  const until = placesOf({ path: [], schema: schemaOf("NodeGroup") }).find(
    ({ path }) => path.join(".") === "spec.pause.until",
  )?.schema;

  it("is read when the API server takes it, is an instant then, and is refused when it is not", () => {
    expect(until?.format).toBe("date-time");
    const pattern = new RegExp(until?.pattern ?? "^$");
    fc.assert(
      fc.property(anyTimeText, (text) => {
        const taken = isDateTime(text) && pattern.test(text);
        expect(timeSchema.safeParse(text).success).toBe(taken);
        if (taken) expect(fromRfc3339(text)).toBeDefined();
      }),
      { numRuns: 600 },
    );
  });
});
