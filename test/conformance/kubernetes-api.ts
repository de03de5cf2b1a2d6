/** What a Kubernetes API must answer: one suite for the embedded server and for a real one. */
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { KubernetesApi, KubernetesObject, ResourceType, WatchEvent } from "../../runtime/kubernetes-api.ts";
import { eventually } from "../support/eventually.ts";
import { widgetType } from "../support/widget-crd.ts";

export interface KubernetesServer {
  readonly api: KubernetesApi;
  /** Sends a request as it is: a text body as text, anything else as JSON. */
  http(
    method: string,
    path: string,
    parts?: { readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown },
  ): Promise<{
    readonly status: number;
    readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
    readonly body: string;
  }>;
  /** An empty namespace for this run. */
  readonly namespace: string;
  close(): Promise<void>;
}

/** Where a server may differ on purpose; each is asserted on both sides. */
export interface KnownDifferences {
  /** `application/apply-patch+yaml`. */
  /** `application/vnd.kubernetes.protobuf` in requests. */
  readonly protobuf: boolean;
  /** `sendInitialEvents` on watches. */
  readonly streamingLists: boolean;
}

interface Body extends Readonly<Record<string, unknown>> {
  readonly kind?: string;
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: {
    readonly causes?: readonly { readonly field: string; readonly message: string; readonly reason: string }[];
  };
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly spec?: Readonly<Record<string, unknown>>;
}

const leaseType: ResourceType = {
  group: "coordination.k8s.io",
  version: "v1",
  kind: "Lease",
  plural: "leases",
  namespaced: true,
};
const mergePatch = { "content-type": "application/merge-patch+json" };
const jsonPatch = { "content-type": "application/json-patch+json" };
const asTable = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json" };
const notChecked = "<nil> FieldValueInvalid";
const small = { size: 1, platform: "aws" };

/** The suite. `open` is called once, with the Widget definition in place. */
export function describeKubernetesApi(open: () => Promise<KubernetesServer>, differences: KnownDifferences): void {
  let server: KubernetesServer;
  beforeAll(async () => {
    server = await open();
  });
  afterAll(() => server.close());

  const collection = (): string => `/apis/${widgetType.group}/v1/namespaces/${server.namespace}/widgets`;
  const manifest = (name: string, spec: unknown = small, metadata: object = {}) => ({
    apiVersion: `${widgetType.group}/v1`,
    kind: "Widget",
    metadata: { name, ...metadata },
    spec,
  });
  const ask = async (method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}) => {
    const sent = { "content-type": "application/json", ...headers };
    const answer = await server.http(method, path, body === undefined ? { headers } : { headers: sent, body });
    return { status: answer.status, headers: answer.headers, text: answer.body, body: parsed(answer.body) };
  };
  const create = async (name: string, spec: unknown = small, metadata: object = {}): Promise<KubernetesObject> =>
    server.api.create(widgetType, {
      ...manifest(name, spec, { ...metadata, namespace: server.namespace }),
    });
  const get = (name: string): Promise<KubernetesObject> =>
    server.api.get(widgetType, { namespace: server.namespace, name });
  const patch = (name: string, body: unknown) => ask("PATCH", `${collection()}/${name}`, body, mergePatch);
  const gone = (name: string): Promise<void> =>
    eventually(() => expect(get(name)).rejects.toMatchObject({ code: 404, reason: "NotFound" }));

  describe("writing", () => {
    it("creates an object with defaults, a generation and a uid, without status", async () => {
      const path = collection();
      const answer = await ask("POST", path, {
        ...manifest("created", { ...small, roles: [{ role: "edge" }] }),
        status: { ready: 1 },
      });
      expect(answer.status).toBe(201);
      expect(answer.body).toMatchObject({
        metadata: { name: "created", namespace: server.namespace, generation: 1 },
        spec: { mode: "Calm", wait: { outSeconds: 30 }, roles: [{ role: "edge", min: 0, max: 1 }] },
      });
      expect(answer.body).not.toHaveProperty("status");
      expect(answer.body.metadata?.["creationTimestamp"]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      expect(answer.body.metadata?.["resourceVersion"]).toMatch(/^\d+$/);
    });

    it("refuses to create an object twice", async () => {
      await create("twice");
      expect((await ask("POST", collection(), manifest("twice"))).body).toMatchObject({
        code: 409,
        reason: "AlreadyExists",
        message: `widgets.${widgetType.group} "twice" already exists`,
        details: { kind: "widgets", group: widgetType.group, name: "twice" },
      });
    });

    it("completes a generated name", async () => {
      const answer = await ask("POST", collection(), { ...manifest("x"), metadata: { generateName: "gen-" } });
      expect(answer.body.metadata?.["name"]).toMatch(/^gen-[a-z0-9]{5}$/);
    });

    it("replaces at the current version only", async () => {
      const first = await create("replaced");
      const next = { ...first, spec: { size: 2, platform: "gce" } };
      const second = await server.api.replace(widgetType, next);
      expect(second).toMatchObject({ metadata: { generation: 2 }, spec: { size: 2, mode: "Calm" } });
      await expect(server.api.replace(widgetType, next)).rejects.toMatchObject({ code: 409, reason: "Conflict" });
      const unversioned = await ask("PUT", `${collection()}/replaced`, manifest("replaced"));
      expect(refusal(unversioned.body)).toEqual({
        code: 422,
        reason: "Invalid",
        causes: ["metadata.resourceVersion FieldValueInvalid"],
      });
      const missing = await ask("PUT", `${collection()}/nobody`, manifest("nobody", small, { resourceVersion: "1" }));
      expect(refusal(missing.body)).toMatchObject({ code: 404, reason: "NotFound" });
    });

    it("refuses another name, namespace, kind, version or uid than the object's", async () => {
      await create("same");
      const path = `${collection()}/same`;
      const version = { resourceVersion: "1" };
      expect((await ask("PUT", path, manifest("other", small, version))).status).toBe(400);
      expect((await ask("PUT", path, manifest("same", small, { ...version, namespace: "other" }))).status).toBe(400);
      expect((await ask("PUT", path, manifest("same", small, { ...version, uid: "u" }))).body).toMatchObject({
        code: 409,
      });
      expect((await ask("PUT", path, { ...manifest("same", small, version), apiVersion: "other/v1" })).status).toBe(
        400,
      );
      expect((await ask("POST", collection(), { ...manifest("y"), kind: "Other" })).status).toBe(422);
    });

    it("changes by merge patch, and not at all where nothing changes", async () => {
      const first = await create("merged", { ...small, note: "x", labels: { a: "b" } });
      const changed = await patch("merged", { spec: { size: 5, note: null, mode: null, labels: { a: null, c: "d" } } });
      expect(changed.body).toMatchObject({
        metadata: { generation: 2 },
        spec: { size: 5, mode: "Calm", labels: { c: "d" } },
      });
      expect(changed.body.spec).not.toHaveProperty("note");
      const same = await patch("merged", { spec: { size: 5 } });
      expect(same.body.metadata).toMatchObject({
        resourceVersion: changed.body.metadata?.["resourceVersion"],
        generation: 2,
      });
      const labelled = await patch("merged", { metadata: { labels: { a: "b" } } });
      expect(labelled.body.metadata).toMatchObject({ generation: 2, labels: { a: "b" } });
      const stale = await patch("merged", {
        metadata: { resourceVersion: first.metadata.resourceVersion },
        spec: { size: 6 },
      });
      expect(refusal(stale.body)).toMatchObject({ code: 409, reason: "Conflict" });
      expect((await patch("merged", { metadata: { resourceVersion: "abc" } })).body).toMatchObject({
        code: 500,
        message: 'strconv.ParseUint: parsing "abc": invalid syntax',
      });
    });

    it("changes by JSON patch", async () => {
      await create("patched");
      const path = `${collection()}/patched`;
      const operations = [
        { op: "test", path: "/spec/platform", value: "aws" },
        { op: "replace", path: "/spec/size", value: 7 },
      ];
      expect((await ask("PATCH", path, operations, jsonPatch)).body).toMatchObject({ spec: { size: 7 } });
      const failing = [{ op: "test", path: "/spec/platform", value: "gce" }];
      expect(refusal((await ask("PATCH", path, failing, jsonPatch)).body)).toMatchObject({
        code: 422,
        reason: "Invalid",
      });
      const absent = [{ op: "replace", path: "/spec/note", value: "new" }];
      expect((await ask("PATCH", path, absent, jsonPatch)).body).toMatchObject({ spec: { note: "new" } });
      expect((await ask("PATCH", path, [{ op: "remove", path: "/spec/limit" }], jsonPatch)).status).toBe(422);
      expect((await ask("PATCH", path, { spec: {} }, jsonPatch)).status).toBe(400);
      expect((await ask("PATCH", path, [], mergePatch)).status).toBe(400);
    });

    it("keeps what belongs to the server", async () => {
      const first = await create("kept");
      const metadata = { generation: 77, creationTimestamp: "2020-01-01T00:00:00Z" };
      expect((await patch("kept", { metadata })).body.metadata).toMatchObject({
        generation: 1,
        creationTimestamp: first.metadata.creationTimestamp,
      });
      expect((await patch("kept", { metadata: { uid: "u" } })).status).toBe(422);
      expect((await patch("kept", { metadata: { deletionTimestamp: "2020-01-01T00:00:00Z" } })).status).toBe(422);
    });

    it("separates the status from the rest", async () => {
      await create("judged");
      const address = { namespace: server.namespace, name: "judged" };
      await server.api.mergePatch(widgetType, address, { status: { ready: 5 } });
      expect(await get("judged")).not.toHaveProperty("status");
      const body = { metadata: { labels: { a: "b" } }, spec: { size: 9 }, status: { ready: 3 } };
      const answer = await server.api.mergePatch(widgetType, address, body, { subresource: "status" });
      expect(answer).toMatchObject({ metadata: { generation: 1 }, spec: { size: 1 }, status: { ready: 3 } });
      expect(answer.metadata.labels).toBeUndefined();
      await expect(
        server.api.mergePatch(widgetType, address, { status: { ready: 30 } }, { subresource: "status" }),
      ).rejects.toMatchObject({ code: 422 });
    });

    it("stores nothing in a dry run", async () => {
      expect((await ask("POST", `${collection()}?dryRun=All`, manifest("dry"))).status).toBe(201);
      await gone("dry");
      await create("wet");
      const wet = `${collection()}/wet?dryRun=All`;
      expect((await ask("PATCH", wet, { spec: { size: 9 } }, mergePatch)).body.spec).toMatchObject({ size: 9 });
      expect((await ask("DELETE", wet)).status).toBe(200);
      expect(await get("wet")).toMatchObject({ spec: { size: 1 } });
    });

    it("answers 404 for what is not there", async () => {
      await expect(get("nobody")).rejects.toMatchObject({ code: 404, reason: "NotFound" });
      expect((await patch("nobody", {})).status).toBe(404);
      expect((await ask("DELETE", `${collection()}/nobody`)).status).toBe(404);
      const elsewhere = `/apis/${widgetType.group}/v1/namespaces/nowhere/widgets`;
      expect((await ask("POST", elsewhere, manifest("x"))).body).toMatchObject({
        code: 404,
        details: { kind: "namespaces" },
      });
      expect((await ask("GET", elsewhere)).body).toMatchObject({ items: [] });
      expect(await ask("GET", `/apis/${widgetType.group}/v1/gadgets`)).toMatchObject({
        status: 404,
        text: "404 page not found\n",
      });
    });

    it("says which methods a path does not take", async () => {
      await create("shown");
      const path = `${collection()}/shown`;
      expect((await ask("HEAD", path)).status).toBe(200);
      for (const [method, verb] of [
        ["POST", "create"],
        ["DELETE", "delete"],
      ] as const) {
        expect((await ask(method, `${path}/status`, manifest("shown"))).body).toMatchObject({
          code: 405,
          reason: "MethodNotAllowed",
          message: `${verb} is not supported on resources of kind "widgets.${widgetType.group}"`,
        });
      }
    });

    it("takes YAML, and says which types it takes", async () => {
      const text = `apiVersion: ${widgetType.group}/v1\nkind: Widget\nmetadata: {name: yaml}\nspec: {size: 1, platform: aws}\n`;
      expect((await ask("POST", collection(), text, { "content-type": "application/yaml" })).status).toBe(201);
      expect((await ask("POST", collection(), "x", { "content-type": "text/plain" })).status).toBe(415);
      expect((await ask("POST", collection(), '{"a":')).status).toBe(400);
      const strategic = { "content-type": "application/strategic-merge-patch+json" };
      expect((await ask("PATCH", `${collection()}/yaml`, {}, strategic)).status).toBe(415);
    });
  });

  describe("judging", () => {
    const dryRun = async (spec: unknown, metadata: object = {}) =>
      refusal((await ask("POST", `${collection()}?dryRun=All`, manifest("judged", spec, metadata))).body);
    const invalid = (...causes: readonly string[]) => ({ code: 422, reason: "Invalid", causes: [...causes].sort() });

    it.each([
      ["a maximum", { size: 900, platform: "aws" }, ["spec.size FieldValueInvalid"]],
      [
        "a minimum and a rule",
        { size: -1, platform: "aws", limit: -3 },
        ["spec.size FieldValueInvalid", "spec.size FieldValueInvalid"],
      ],
      ["an enum", { size: 1, platform: "x" }, ["spec.platform FieldValueNotSupported", notChecked]],
      ["a missing field", { platform: "aws" }, ["spec.size FieldValueRequired", notChecked]],
      ["a null for a required field", { size: null, platform: "aws" }, ["spec.size FieldValueRequired", notChecked]],
      ["a type", { size: "x", platform: "aws" }, ["spec.size FieldValueTypeInvalid", notChecked]],
      ["a fraction", { size: 1.5, platform: "aws" }, ["spec.size FieldValueTypeInvalid", notChecked]],
      ["a pattern", { ...small, region: "EU WEST" }, ["spec.region FieldValueInvalid"]],
      ["a length", { ...small, region: "a".repeat(21) }, ["spec.region FieldValueTooLong", notChecked]],
      ["a shortness", { ...small, region: "a" }, ["spec.region FieldValueInvalid"]],
      ["a list's length", { ...small, regions: ["a", "b", "c", "d"] }, ["spec.regions FieldValueTooMany", notChecked]],
      ["an empty list", { ...small, regions: [] }, ["spec.regions FieldValueInvalid"]],
      ["a set", { ...small, regions: ["a", "a"] }, ["spec.regions[1] FieldValueDuplicate"]],
      ["a list-map", { ...small, roles: [{ role: "edge" }, { role: "edge" }] }, ["spec.roles[1] FieldValueDuplicate"]],
      ["a list-map's key", { ...small, roles: [{}] }, ["spec.roles[0].role FieldValueRequired", notChecked]],
      [
        "a map's size",
        { ...small, labels: { a: "", b: "", c: "", d: "" } },
        ["spec.labels FieldValueTooMany", notChecked],
      ],
      ["a map's value", { ...small, labels: { a: "123456789" } }, ["spec.labels.a FieldValueTooLong", notChecked]],
      ["a time", { ...small, until: "tomorrow" }, ["spec.until FieldValueTypeInvalid", notChecked]],
      ["a rule at a field", { ...small, size: 3, limit: 2 }, ["spec.size FieldValueInvalid"]],
      ["a rule in a list", { ...small, roles: [{ role: "edge", min: 3 }] }, ["spec.roles[0] FieldValueInvalid"]],
      ["a rule over keys", { ...small, labels: { "reserved/x": "y" } }, ["spec FieldValueInvalid"]],
      ["a whole spec", 7, ["spec FieldValueTypeInvalid", notChecked]],
    ] as const)("names the field that breaks %s", async (_what, spec, causes) => {
      expect(await dryRun(spec)).toEqual(invalid(...causes));
    });

    it.each([
      [
        { size: 900, platform: "aws" },
        "spec.size: Invalid value: 900: spec.size in body should be less than or equal to 100",
      ],
      [{ ...small, region: "EU" }, `spec.region: Invalid value: "EU": spec.region in body should match '^[a-z0-9-]+$'`],
      [{ ...small, regions: ["a", "a"] }, 'spec.regions[1]: Duplicate value: "a"'],
      [{ ...small, roles: [{ role: "edge" }, { role: "edge" }] }, 'spec.roles[1]: Duplicate value: {"role":"edge"}'],
      [{ ...small, size: 3, limit: 2 }, 'spec.size: Invalid value: "object": size must not exceed limit'],
      [{ ...small, ratio: 2.5 }, 'spec: Invalid value: "object": too much for aws'],
      [{ ...small, ratio: -1 }, 'spec: Invalid value: "object": failed rule: !has(self.ratio) || self.ratio >= 0.0'],
    ] as const)("says what is wrong: %j", async (spec, says) => {
      const answer = await ask("POST", `${collection()}?dryRun=All`, manifest("judged", spec));
      expect(answer.body.message).toBe(`Widget.${widgetType.group} "judged" is invalid: ${says}`);
    });

    it("judges metadata", async () => {
      const metadata = { name: "Bad_Name", labels: { "a b": "c d" }, annotations: { "x y": "z" } };
      const wrong = ["name", "labels", "labels", "annotations"].map((name) => `metadata.${name} FieldValueInvalid`);
      expect(await dryRun(small, metadata)).toEqual(invalid(...wrong));
      const long = await ask("POST", collection(), manifest("a".repeat(254)));
      expect(long.body.message).toContain("must be no more than 253 characters");
      const nameless = await ask("POST", collection(), { ...manifest("x"), metadata: {} });
      expect(nameless.body.message).toContain(`Widget.${widgetType.group} "" is invalid: `);
      expect(await dryRun(small, { name: "a".repeat(31) })).toEqual(invalid("<nil> FieldValueInvalid"));
      expect(await dryRun(small, { labels: { a: 1 } })).toEqual({ code: 400, reason: "BadRequest", causes: [] });
    });

    it("holds a field that is immutable, once it is set", async () => {
      await create("moved");
      expect((await patch("moved", { spec: { region: "eu" } })).status).toBe(200);
      expect(refusal((await patch("moved", { spec: { region: "us" } })).body)).toEqual(
        invalid("spec.region FieldValueInvalid"),
      );
    });

    it("drops nulls and keeps unknown fields only where the schema says so", async () => {
      const object = await create("shaped", {
        ...small,
        limit: null,
        note: null,
        mode: null,
        raw: { any: [1] },
        zip: 1,
      });
      expect(object["spec"]).toEqual({
        ...small,
        note: null,
        mode: "Calm",
        raw: { any: [1] },
        wait: { outSeconds: 30 },
      });
    });

    it("refuses unknown fields, warns of them, or ignores them", async () => {
      const unknown = manifest("unknown", { ...small, nope: 1, roles: [{ role: "edge", zip: 1 }] }, { wrong: 1 });
      const strict = await ask("POST", `${collection()}?fieldValidation=Strict&dryRun=All`, unknown);
      expect(strict.body).toMatchObject({ code: 400, reason: "BadRequest" });
      for (const field of ["metadata.wrong", "spec.nope", "spec.roles[0].zip"]) {
        expect(strict.body.message).toContain(`unknown field "${field}"`);
      }
      const warn = await ask("POST", `${collection()}?fieldValidation=Warn&dryRun=All`, unknown);
      expect(warn.status).toBe(201);
      expect(String(warn.headers["warning"])).toContain('299 - "unknown field \\"spec.nope\\""');
      const ignore = await ask("POST", `${collection()}?fieldValidation=Ignore&dryRun=All`, unknown);
      expect(ignore).toMatchObject({ status: 201, body: { spec: small } });
      expect(ignore.headers["warning"] ?? "").toBe("");
      expect((await ask("POST", `${collection()}?fieldValidation=Bogus`, unknown)).status).toBe(422);
    });

    it("refuses unknown fields of a patch", async () => {
      await create("strict");
      const answer = await ask(
        "PATCH",
        `${collection()}/strict?fieldValidation=Strict`,
        { spec: { nope: 1 } },
        mergePatch,
      );
      expect(refusal(answer.body)).toEqual(invalid("patch FieldValueInvalid"));
      expect(answer.body.message).toContain('strict decoding error: unknown field "spec.nope"');
    });
  });

  describe("reading", () => {
    beforeAll(async () => {
      await create("list-a", small, { labels: { list: "yes", team: "red" } });
      await create("list-b", { size: 2, platform: "gce" }, { labels: { list: "yes", team: "blue" } });
      await create("list-c", { size: 3, platform: "aws", roles: [{ role: "edge" }] }, { labels: { list: "yes" } });
    });

    const names = (body: Body): readonly string[] =>
      (body["items"] as readonly KubernetesObject[]).map((item) => item.metadata.name);
    const select = async (query: Readonly<Record<string, string>>) =>
      names(
        (await ask("GET", `${collection()}?${new URLSearchParams({ labelSelector: "list=yes", ...query }).toString()}`))
          .body,
      );

    it.each([
      [{ labelSelector: "list=yes" }, ["list-a", "list-b", "list-c"]],
      [{ labelSelector: "list==yes,team=red" }, ["list-a"]],
      [{ labelSelector: "list,team!=red" }, ["list-b", "list-c"]],
      [{ labelSelector: "list,!team" }, ["list-c"]],
      [{ labelSelector: "list,team in (red, blue)" }, ["list-a", "list-b"]],
      [{ labelSelector: "list,team notin (red)" }, ["list-b", "list-c"]],
      [{ fieldSelector: "metadata.name=list-b" }, ["list-b"]],
      [{ fieldSelector: "metadata.name!=list-b" }, ["list-a", "list-c"]],
      [{ fieldSelector: "spec.platform=aws" }, ["list-a", "list-c"]],
    ] as const)("selects by %j", async (query, expected) => {
      expect(await select(query)).toEqual(expected);
    });

    it("refuses selectors that it cannot read", async () => {
      for (const query of ["labelSelector=%3D", "fieldSelector=spec.size%3D1", "limit=x"]) {
        expect(refusal((await ask("GET", `${collection()}?${query}`)).body)).toMatchObject({
          code: 400,
          reason: "BadRequest",
        });
      }
    });

    it("lists in pages of one version", async () => {
      const options = { namespace: server.namespace, labelSelector: "list=yes", limit: 2 };
      const first = await server.api.list(widgetType, options);
      expect(first.items.map((item) => item.metadata.name)).toEqual(["list-a", "list-b"]);
      await create("list-d", small, { labels: { list: "yes" } });
      const rest = await server.api.list(widgetType, { ...options, continue: first.metadata.continue ?? "" });
      expect(rest.items.map((item) => item.metadata.name)).toEqual(["list-c"]);
      expect(rest.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
      expect(rest.metadata.continue ?? "").toBe("");
      await server.api.delete(widgetType, { namespace: server.namespace, name: "list-d" });
    });

    it("lists at version 0, and not at one to come", async () => {
      expect((await ask("GET", `${collection()}?resourceVersion=0`)).status).toBe(200);
      const future = await ask("GET", `${collection()}?resourceVersion=9999999999`);
      expect(future.body).toMatchObject({ code: 504, reason: "Timeout" });
    });

    it("shows lists and objects as tables", async () => {
      await ask(
        "PATCH",
        `${collection()}/list-c/status`,
        { status: { conditions: [{ type: "Ready", status: "True" }] } },
        mergePatch,
      );
      const table = (await ask("GET", `${collection()}?labelSelector=list%3Dyes`, undefined, asTable)).body;
      const columns = table["columnDefinitions"] as readonly { name: string; type: string; priority: number }[];
      expect(table).toMatchObject({ kind: "Table", apiVersion: "meta.k8s.io/v1" });
      expect(columns.map(({ name, type, priority }) => [name, type, priority])).toEqual([
        ["Name", "string", 0],
        ["Size", "integer", 0],
        ["Ready", "string", 0],
        ["Roles", "string", 1],
        ["Paused", "boolean", 0],
        ["Age", "date", 0],
      ]);
      const cells = (table["rows"] as readonly { cells: readonly unknown[] }[]).map((row) => row.cells);
      expect(cells.map((row) => row.slice(0, 5))).toEqual([
        ["list-a", 1, null, null, null],
        ["list-b", 2, null, null, null],
        ["list-c", 3, "True", "edge", null],
      ]);
      for (const row of cells) expect(row[5]).toMatch(/^\d+s$/);
      const one = (await ask("GET", `${collection()}/list-a`, undefined, asTable)).body;
      expect(one).toMatchObject({
        rows: [{ object: { kind: "PartialObjectMetadata", metadata: { name: "list-a" } } }],
      });
    });

    it("describes its kinds to kubectl", async () => {
      const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
      const aggregated = await ask("GET", "/apis", undefined, { accept });
      expect(aggregated.headers["content-type"]).toContain("as=APIGroupDiscoveryList");
      expect(aggregated.text).toContain('"shortNames":["wd"]');
      expect((await ask("GET", `/apis/${widgetType.group}/v1`)).body).toMatchObject({
        kind: "APIResourceList",
        resources: [
          { name: "widgets", singularName: "widget", kind: "Widget", shortNames: ["wd"], categories: ["conformance"] },
          { name: "widgets/status" },
        ],
      });
      const path = `apis/${widgetType.group}/v1`;
      const index = (await ask("GET", "/openapi/v3")).body["paths"] as Record<string, { serverRelativeURL: string }>;
      const document = await ask("GET", index[path]?.serverRelativeURL ?? "");
      expect(document.text).toContain("How many.");
    });
  });

  describe("watching", () => {
    const watch = async (query: string, headers: Readonly<Record<string, string>> = {}) => {
      const answer = await ask("GET", `${collection()}?watch=true&timeoutSeconds=1&${query}`, undefined, headers);
      expect(answer.status).toBe(200);
      return answer.text
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as Event);
    };
    interface Event {
      readonly type: string;
      readonly object: KubernetesObject & Body;
    }
    const shown = (events: readonly Event[]) => events.map(({ type, object }) => `${type} ${object.metadata.name}`);

    it("tells what happened after a version, in order", async () => {
      const first = await create("seen");
      await patch("seen", { spec: { size: 2 } });
      await ask("DELETE", `${collection()}/seen`);
      const version = first.metadata.resourceVersion ?? "";
      const events = await watch(`resourceVersion=${version}&fieldSelector=metadata.name%3Dseen`);
      expect(shown(events)).toEqual(["MODIFIED seen", "DELETED seen"]);
      const [modified, deleted] = events.map(({ object }) => Number(object.metadata.resourceVersion));
      expect(modified).toBeLessThan(deleted ?? 0);
      expect(events[1]?.object).toMatchObject({ spec: { size: 2 } });
    });

    it("begins with what is there when no version is given", async () => {
      await create("there");
      expect(shown(await watch("resourceVersion=0&fieldSelector=metadata.name%3Dthere"))).toEqual(["ADDED there"]);
      expect(shown(await watch("fieldSelector=metadata.name%3Dthere"))).toEqual(["ADDED there"]);
    });

    it("adds and deletes what enters and leaves a selection", async () => {
      const first = await create("mover");
      await patch("mover", { metadata: { labels: { pick: "me" } } });
      await patch("mover", { spec: { size: 2 } });
      await patch("mover", { metadata: { labels: { pick: null } } });
      const events = await watch(`labelSelector=pick%3Dme&resourceVersion=${first.metadata.resourceVersion ?? ""}`);
      expect(shown(events)).toEqual(["ADDED mover", "MODIFIED mover", "DELETED mover"]);
    });

    it("shows rows, with the columns once", async () => {
      const first = await create("row");
      await patch("row", { spec: { size: 2 } });
      await patch("row", { spec: { size: 3 } });
      const query = `fieldSelector=metadata.name%3Drow&resourceVersion=${first.metadata.resourceVersion ?? ""}`;
      const tables = (await watch(query, asTable)).map(({ object }) => object);
      expect(tables.map((table) => [Array.isArray(table["columnDefinitions"]), firstCells(table).slice(0, 2)])).toEqual(
        [
          [true, ["row", 2]],
          [false, ["row", 3]],
        ],
      );
    });

    it("delivers through the port, until it is aborted", async () => {
      const { metadata } = await server.api.list(widgetType, { namespace: server.namespace });
      const end = new AbortController();
      const options = { namespace: server.namespace, resourceVersion: metadata.resourceVersion };
      const seen: WatchEvent[] = [];
      const reading = (async () => {
        for await (const event of server.api.watch(widgetType, options, end.signal)) {
          seen.push(event);
          if (seen.length === 2) end.abort();
        }
      })();
      await create("port-a");
      await create("port-b");
      await reading.catch((error: unknown) => expect(end.signal.aborted || error).toBe(true));
      expect(seen).toMatchObject([
        { type: "ADDED", object: { metadata: { name: "port-a" } } },
        { type: "ADDED", object: { metadata: { name: "port-b" } } },
      ]);
    });

    it(`${differences.streamingLists ? "streams" : "refuses"} initial events as a list`, async () => {
      const query =
        "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=1";
      expect((await ask("GET", `${collection()}?${query}`)).status).toBe(differences.streamingLists ? 200 : 422);
    });
  });

  describe("deleting", () => {
    const remove = (name: string, body?: unknown) => ask("DELETE", `${collection()}/${name}`, body);
    const ownedBy = (owner: KubernetesObject) => ({
      ownerReferences: [
        {
          apiVersion: owner.apiVersion,
          kind: owner.kind,
          name: owner.metadata.name,
          uid: owner.metadata.uid,
          blockOwnerDeletion: true,
        },
      ],
    });

    it("removes an object and says its uid", async () => {
      const { metadata } = await create("removed");
      const answer = await remove("removed");
      expect(answer).toMatchObject({
        status: 200,
        body: { status: "Success", details: { kind: "widgets", uid: metadata.uid } },
      });
      await gone("removed");
    });

    it("removes what a selector finds, and says what that was", async () => {
      await create("swept-a", small, { labels: { sweep: "yes" } });
      await create("swept-b", small, { labels: { sweep: "yes" } });
      await create("spared");
      const query = `${collection()}?labelSelector=sweep%3Dyes`;
      const partial = { accept: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1" };
      const found = (await ask("GET", query, undefined, partial)).body;
      expect(found).toMatchObject({ kind: "PartialObjectMetadataList" });
      expect(found["items"]).toMatchObject([
        { kind: "PartialObjectMetadata", metadata: { name: "swept-a" } },
        { kind: "PartialObjectMetadata", metadata: { name: "swept-b" } },
      ]);
      const answer = await ask("DELETE", query);
      expect(answer).toMatchObject({ status: 200, body: { kind: "WidgetList" } });
      expect(answer.body["items"]).toMatchObject([
        { metadata: { name: "swept-a" } },
        { metadata: { name: "swept-b" } },
      ]);
      await gone("swept-a");
      await gone("swept-b");
      expect(await get("spared")).toMatchObject({ kind: "Widget" });
    });

    it("waits for finalizers", async () => {
      const { metadata } = await create("held", small, { finalizers: ["a.dev/b"] });
      const marked = await remove("held");
      expect(marked.body.metadata).toMatchObject({
        generation: 2,
        deletionGracePeriodSeconds: 0,
        finalizers: ["a.dev/b"],
      });
      expect(marked.body.metadata).toHaveProperty("deletionTimestamp");
      const again = await remove("held");
      expect(again.body.metadata).toEqual(marked.body.metadata);
      expect(refusal((await ask("POST", collection(), manifest("held"))).body)).toMatchObject({
        reason: "AlreadyExists",
      });
      expect((await patch("held", { spec: { size: 8 } })).body).toMatchObject({ metadata: { generation: 3 } });
      const more = await patch("held", { metadata: { finalizers: ["a.dev/b", "a.dev/c"] } });
      expect(more.body).toMatchObject({
        code: 422,
        details: { causes: expect.arrayContaining([expect.objectContaining({ field: "metadata.finalizers" })]) },
      });
      expect((await patch("held", { metadata: { finalizers: null } })).status).toBe(200);
      await gone("held");
      const query = `watch=true&timeoutSeconds=1&fieldSelector=metadata.name%3Dheld&resourceVersion=${metadata.resourceVersion ?? ""}`;
      const events = (await ask("GET", `${collection()}?${query}`)).text.trim().split("\n");
      expect(events.map((line) => (JSON.parse(line) as { type: string }).type)).toEqual([
        "MODIFIED",
        "MODIFIED",
        "DELETED",
      ]);
      expect(JSON.parse(events[2] ?? "")).toMatchObject({ object: { metadata: { finalizers: ["a.dev/b"] } } });
    });

    it("holds to preconditions", async () => {
      const { metadata } = await create("guarded");
      const address = { namespace: server.namespace, name: "guarded" };
      for (const preconditions of [{ uid: "other" }, { resourceVersion: "1" }]) {
        await expect(server.api.delete(widgetType, address, { preconditions })).rejects.toMatchObject({ code: 409 });
      }
      await server.api.delete(widgetType, address, { preconditions: { uid: metadata.uid ?? "" } });
      await gone("guarded");
      await create("policed");
      expect((await remove("policed", manifest("policed"))).status).toBeGreaterThanOrEqual(400);
      expect((await remove("policed", { propagationPolicy: "Sideways" })).status).toBe(422);
    });

    it("deletes dependents after their owner in the background", async () => {
      const owner = await create("owner-bg");
      await create("child-bg", small, ownedBy(owner));
      await server.api.delete(
        widgetType,
        { namespace: server.namespace, name: "owner-bg" },
        { propagationPolicy: "Background" },
      );
      await gone("child-bg");
    });

    it("deletes dependents before their owner in the foreground", async () => {
      const owner = await create("owner-fg");
      await create("child-fg", small, { ...ownedBy(owner), finalizers: ["a.dev/b"] });
      const marked = await remove("owner-fg", { propagationPolicy: "Foreground" });
      expect(marked.body.metadata).toMatchObject({ finalizers: ["foregroundDeletion"] });
      await eventually(async () => expect((await get("child-fg")).metadata.deletionTimestamp).toBeDefined());
      expect(await get("owner-fg")).toBeDefined();
      await patch("child-fg", { metadata: { finalizers: null } });
      await gone("child-fg");
      await gone("owner-fg");
    });

    it("leaves orphans", async () => {
      const owner = await create("owner-or");
      await create("child-or", small, ownedBy(owner));
      await remove("owner-or", { propagationPolicy: "Orphan" });
      await gone("owner-or");
      expect((await get("child-or")).metadata.ownerReferences ?? []).toEqual([]);
    });

    it("deletes what is owned by nobody that exists", async () => {
      const owner = await create("owner-no");
      const stranger = { ...owner, metadata: { ...owner.metadata, uid: "11111111-2222-3333-4444-555555555555" } };
      await create("child-no", small, ownedBy(stranger));
      await gone("child-no");
    });
  });

  describe("core kinds", () => {
    const time = "2026-11-22T05:10:13.345000Z";
    const lease = (name: string, spec: object, metadata: object = {}) => ({
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { name, namespace: server.namespace, ...metadata },
      spec,
    });
    const leases = (): string => `/apis/coordination.k8s.io/v1/namespaces/${server.namespace}/leases`;

    it("keeps leases, which have no generation and six digits", async () => {
      const held = await server.api.create(leaseType, lease("held", { holderIdentity: "a", renewTime: time }));
      expect(held).toMatchObject({ spec: { holderIdentity: "a", renewTime: time } });
      expect(held.metadata.generation).toBeUndefined();
      const taken = { ...held, spec: { holderIdentity: "b", renewTime: time } };
      await server.api.replace(leaseType, taken);
      await expect(server.api.replace(leaseType, taken)).rejects.toMatchObject({ code: 409, reason: "Conflict" });
      const short = await ask("POST", leases(), lease("short", { renewTime: "2026-11-22T05:10:13.345Z" }));
      expect(short.body).toMatchObject({ code: 400 });
      expect(short.body.message).toContain('cannot parse ".345Z" as ".000000"');
      const unversioned = await ask("PUT", `${leases()}/held`, lease("held", { holderIdentity: "c" }));
      expect(unversioned.body).toMatchObject({ code: 422, reason: "Invalid" });
      const created = await ask("PUT", `${leases()}/new`, lease("new", { holderIdentity: "c" }));
      expect(created.status).toBe(201);
      const bad = await ask("POST", leases(), lease("bad", { leaseDurationSeconds: 0 }));
      expect(refusal(bad.body)).toEqual({
        code: 422,
        reason: "Invalid",
        causes: ["spec.leaseDurationSeconds FieldValueInvalid"],
      });
    });

    it("keeps events, found by what they are about", async () => {
      const events = `/api/v1/namespaces/${server.namespace}/events`;
      const involvedObject = { kind: "Widget", namespace: server.namespace, name: "about", uid: "u1" };
      const event = {
        apiVersion: "v1",
        kind: "Event",
        metadata: { name: "about.1" },
        involvedObject,
        reason: "Tested",
        type: "Normal",
      };
      expect((await ask("POST", events, event)).body).toMatchObject({ eventTime: null, reportingComponent: "" });
      const query = "fieldSelector=involvedObject.name%3Dabout,involvedObject.kind%3DWidget,involvedObject.uid%3Du1";
      expect((await ask("GET", `${events}?${query}`)).body).toMatchObject({ items: [{ reason: "Tested" }] });
      expect((await ask("GET", `${events}?fieldSelector=message%3Dx`)).status).toBe(400);
      const foreign = {
        ...event,
        metadata: { name: "about.2" },
        involvedObject: { ...involvedObject, namespace: "other" },
      };
      expect((await ask("POST", events, foreign)).status).toBe(422);
    });

    it("keeps config maps and secrets, patched as kubectl apply does", async () => {
      const strategic = { "content-type": "application/strategic-merge-patch+json" };
      const maps = `/api/v1/namespaces/${server.namespace}/configmaps`;
      const map = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "flat" }, data: { a: "b", c: "d" } };
      expect((await ask("POST", maps, map)).status).toBe(201);
      const patched = await ask("PATCH", `${maps}/flat`, { data: { a: null, e: "f" } }, strategic);
      expect(patched.body).toMatchObject({ data: { c: "d", e: "f" } });
      expect((await ask("PUT", `${maps}/flat`, map)).body).toMatchObject({ data: { a: "b", c: "d" } });
      const odd = { ...map, metadata: { name: "odd" }, data: { "a b": "c" } };
      expect(refusal((await ask("POST", maps, odd)).body)).toMatchObject({
        code: 422,
        causes: ["data[a b] FieldValueInvalid"],
      });
      const secrets = `/api/v1/namespaces/${server.namespace}/secrets`;
      const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "key" }, stringData: { a: "b" } };
      const stored = (await ask("POST", secrets, secret)).body;
      expect(stored).toMatchObject({ type: "Opaque", data: { a: "Yg==" } });
      expect(stored).not.toHaveProperty("stringData");
    });

    it("empties a namespace that is deleted", async () => {
      const name = `${server.namespace}-inner`;
      await ask("POST", "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name } });
      const inner = `/apis/${widgetType.group}/v1/namespaces/${name}/widgets`;
      expect((await ask("POST", inner, manifest("held", small, { finalizers: ["a.dev/b"] }))).status).toBe(201);
      expect((await ask("DELETE", `/api/v1/namespaces/${name}`)).body).toMatchObject({
        status: { phase: "Terminating" },
      });
      expect(refusal((await ask("POST", inner, manifest("late"))).body)).toMatchObject({
        code: 403,
        reason: "Forbidden",
      });
      await eventually(async () =>
        expect((await ask("GET", `${inner}/held`)).body.metadata).toHaveProperty("deletionTimestamp"),
      );
      await ask("PATCH", `${inner}/held`, { metadata: { finalizers: null } }, mergePatch);
      await eventually(async () => expect((await ask("GET", `/api/v1/namespaces/${name}`)).status).toBe(404));
      expect(refusal((await ask("DELETE", "/api/v1/namespaces/default")).body)).toMatchObject({ code: 403 });
    });

    it("answers questions about rights", async () => {
      const review = {
        apiVersion: "authorization.k8s.io/v1",
        kind: "SelfSubjectAccessReview",
        spec: { resourceAttributes: { verb: "get", resource: "widgets", group: widgetType.group } },
      };
      const answer = await ask("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review);
      expect(answer).toMatchObject({ status: 201, body: { status: { allowed: true } } });
    });
  });

  describe("known differences", () => {
    it(`${differences.protobuf ? "reads" : "refuses"} protobuf`, async () => {
      const headers = { "content-type": "application/vnd.kubernetes.protobuf" };
      const answer = await ask("POST", `/api/v1/namespaces/${server.namespace}/configmaps`, "k8s\0", headers);
      expect(answer.status).toBe(differences.protobuf ? 400 : 415);
      if (!differences.protobuf) expect(answer.body.message).toContain("kubectl apply -f");
    });
  });
}

function parsed(text: string): Body {
  try {
    return JSON.parse(text) as Body;
  } catch {
    return {};
  }
}

/** The stable part of a Status: the code, the reason, and which fields are wrong in which way, sorted. */
function refusal(body: Body): {
  readonly code: number | undefined;
  readonly reason: string | undefined;
  readonly causes: readonly string[];
} {
  const causes = (body.details?.causes ?? []).map(({ field, reason }) => `${field} ${reason}`);
  return { code: body.code, reason: body.reason, causes: causes.sort() };
}

function firstCells(table: Readonly<Record<string, unknown>>): readonly unknown[] {
  const [row] = table["rows"] as readonly { readonly cells: readonly unknown[] }[];
  return row?.cells ?? [];
}
