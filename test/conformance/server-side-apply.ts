/** Server-side apply as every API server does it: ownership of fields, conflicts, and no write where nothing changes. */
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { apiVersion, type Kind, kinds } from "../../crds/names.ts";
import type { KubernetesObject } from "../../runtime/kubernetes-api.ts";
import { alarm, edgeLimits, scalePolicyManifest } from "../support/manifests.ts";

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** A server that serves the CRDs of the product. */
export interface ApplyServer {
  readonly namespace: string;
  send(method: string, path: string, body: unknown, contentType: string): Promise<Answer>;
  close(): Promise<void>;
}

interface StoredEntry {
  readonly manager: string;
  readonly operation: string;
  readonly fieldsV1: unknown;
}

interface StoredObject extends KubernetesObject {
  readonly metadata: KubernetesObject["metadata"] & { readonly managedFields?: readonly StoredEntry[] };
  readonly spec: Readonly<Record<string, unknown>>;
}

interface ApplyOptions {
  readonly manager?: string;
  readonly force?: boolean;
  readonly dryRun?: boolean;
}

/** The suite of a server; `open` is called once. */
export function describeServerSideApply(open: () => Promise<ApplyServer>): void {
  let server: ApplyServer;
  beforeAll(async () => {
    server = await open();
  });
  afterAll(() => server.close());

  const pathOf = (kind: Kind, name: string) =>
    `/apis/${apiVersion}/namespaces/${server.namespace}/${kinds[kind].plural}/${name}`;

  const apply = (
    object: KubernetesObject,
    { manager = "kubectl", force = false, dryRun = false }: ApplyOptions = {},
  ) => {
    const path = pathOf(object.kind as Kind, object.metadata.name);
    const query = `fieldManager=${manager}&fieldValidation=Strict&force=${force}${dryRun ? "&dryRun=All" : ""}`;
    return server.send("PATCH", `${path}?${query}`, object, "application/apply-patch+yaml");
  };
  const applied = async (object: KubernetesObject, options?: ApplyOptions): Promise<StoredObject> => {
    const answer = await apply(object, options);
    if (answer.status >= 300) throw new Error(answer.body);
    return JSON.parse(answer.body) as StoredObject;
  };
  const merged = async (name: string, patch: object): Promise<StoredObject> => {
    const path = `${pathOf("ScalePolicy", name)}?fieldManager=editor`;
    const { body } = await server.send("PATCH", path, patch, "application/merge-patch+json");
    return JSON.parse(body) as StoredObject;
  };
  const owners = ({ metadata }: StoredObject) =>
    (metadata.managedFields ?? []).map(({ manager, operation, fieldsV1 }) => ({ manager, operation, fieldsV1 }));

  it("makes an object, and writes nothing when it is applied again", async () => {
    const manifest = scalePolicyManifest({ roles: [edgeLimits()], alarms: [alarm()] }, "twice");
    expect(await apply(manifest)).toMatchObject({ status: 201 });
    const first = await applied(manifest);
    expect(await applied(manifest)).toEqual(first);
    expect(first.metadata.generation).toBe(1);
    const roles = { 'k:{"role":"edge"}': { ".": {}, "f:maxLimit": {}, "f:minLimit": {}, "f:role": {} } };
    const [owner] = owners(first);
    expect(owner).toMatchObject({
      manager: "kubectl",
      operation: "Apply",
      fieldsV1: { "f:spec": { "f:roles": roles } },
    });
    expect(JSON.stringify(owner)).not.toContain("coolDownSeconds");
  });

  it("takes out what its manager applies no more: a field, an item, a map", async () => {
    const name = "fewer";
    const both = [edgeLimits({ scaleAdjustment: 3 }), edgeLimits({ role: "origin" })];
    const scaleIn = { stabilizationSeconds: 60, edgeSources: ["Origin"] };
    await applied(scalePolicyManifest({ roles: both, alarms: [alarm(), alarm({ name: "more" })], scaleIn }, name));
    const { spec, metadata } = await applied(scalePolicyManifest({ roles: [edgeLimits()], alarms: [alarm()] }, name));
    expect(spec["roles"]).toEqual([edgeLimits()]);
    expect(spec["alarms"]).toEqual([alarm()]);
    expect(spec["scaleIn"]).toEqual({ stabilizationSeconds: 300, idleSeconds: 60, edgeSources: ["Origin", "Manager"] });
    expect(metadata.generation).toBe(2);
  });

  it("leaves what others own, and refuses another value of it, naming manager and field", async () => {
    const name = "shared";
    await applied(scalePolicyManifest({ roles: [edgeLimits()] }, name), { manager: "a" });
    const same = scalePolicyManifest({ roles: [edgeLimits()], scaleOut: { mode: "Rigid" } }, name);
    expect((await applied(same, { manager: "b" })).spec["scaleOut"]).toMatchObject({ mode: "Rigid" });
    const other = scalePolicyManifest({ roles: [edgeLimits({ maxLimit: 9 })] }, name);
    const refused = await apply(other, { manager: "a" });
    expect([refused.status, JSON.parse(refused.body)]).toEqual([
      409,
      expect.objectContaining({
        reason: "Conflict",
        message: 'Apply failed with 1 conflict: conflict with "b": .spec.roles[role="edge"].maxLimit',
        details: {
          causes: [
            {
              reason: "FieldManagerConflict",
              message: 'conflict with "b"',
              field: '.spec.roles[role="edge"].maxLimit',
            },
          ],
        },
      }),
    ]);
    const forced = await applied(other, { manager: "a", force: true });
    expect(forced.spec).toMatchObject({ roles: [{ maxLimit: 9 }], scaleOut: { mode: "Rigid" } });
    // What b no longer owns it may leave out, and it stays.
    const less = scalePolicyManifest({ roles: [{ role: "edge", minLimit: 1 }] }, name);
    expect((await applied(less, { manager: "b" })).spec).toMatchObject({ roles: [{ maxLimit: 9 }] });
  });

  it("lets an update take a field, and refuses to take it back unasked", async () => {
    const name = "edited";
    const manifest = scalePolicyManifest({ scaleOut: { coolDownSeconds: 60 } }, name);
    await applied(manifest);
    await merged(name, { spec: { scaleOut: { coolDownSeconds: 90 } } });
    const refused = await apply(manifest);
    expect(JSON.parse(refused.body)).toMatchObject({
      code: 409,
      message: expect.stringContaining(
        'conflict with "editor" using streamfleet.dev/v1alpha1: .spec.scaleOut.coolDownS',
      ),
    });
    expect((await applied(manifest, { force: true })).spec["scaleOut"]).toMatchObject({ coolDownSeconds: 60 });
    expect((await merged(name, { metadata: { labels: { team: "red" } } })).metadata.labels).toEqual({ team: "red" });
    expect((await applied(manifest)).metadata.labels).toEqual({ team: "red" });
  });

  it("tries a change without making it", async () => {
    const name = "tried";
    await applied(scalePolicyManifest({}, name));
    const tried = await applied(scalePolicyManifest({ roles: [edgeLimits({ maxLimit: 7 })] }, name), { dryRun: true });
    expect(tried.spec).toMatchObject({ roles: [{ maxLimit: 7 }] });
    expect((await applied(scalePolicyManifest({}, name))).metadata.generation).toBe(1);
  });

  it("refuses what cannot be applied", async () => {
    const manifest = scalePolicyManifest({}, "refused");
    const path = pathOf("ScalePolicy", "refused");
    const send = (query: string, body: unknown) =>
      server.send("PATCH", `${path}?${query}`, body, "application/apply-patch+yaml");
    expect(await send("", manifest)).toMatchObject({ status: 422, body: expect.stringContaining("fieldManager") });
    expect(await send("fieldManager=a", { ...manifest, metadata: { name: "else" } })).toMatchObject({ status: 400 });
    const withManagers = { ...manifest, metadata: { name: "refused", managedFields: [{ manager: "x" }] } };
    expect(await send("fieldManager=a", withManagers)).toMatchObject({
      status: 400,
      body: expect.stringContaining("metadata.managedFields must be nil"),
    });
    expect(
      await send("fieldManager=a", scalePolicyManifest({ roles: [edgeLimits({ minLimit: 9 })] }, "refused")),
    ).toMatchObject({
      status: 422,
      body: expect.stringContaining("minLimit must not exceed maxLimit"),
    });
  });

  describe("on an object that was made without it", () => {
    it("changes nothing where it says the same, and refuses another value of what is there", async () => {
      const name = "made";
      const manifest = scalePolicyManifest({ scaleOut: { coolDownSeconds: 60 } }, name);
      const collection = pathOf("ScalePolicy", name).replace(/\/[^/]+$/, "?fieldManager=maker");
      expect(await server.send("POST", collection, manifest, "application/json")).toMatchObject({ status: 201 });
      const { metadata } = await applied(manifest);
      expect(metadata.generation).toBe(1);
      await merged(name, { spec: { scaleOut: { reevaluateSeconds: 9 } } });
      const other = scalePolicyManifest({ scaleOut: { coolDownSeconds: 61 } }, name);
      const refused = await apply(other);
      expect([refused.status, refused.body]).toEqual([409, expect.stringContaining(".spec.scaleOut.coolDownSeconds")]);
      expect((await applied(other, { force: true })).spec["scaleOut"]).toMatchObject({
        coolDownSeconds: 61,
        reevaluateSeconds: 9,
      });
    });
  });
}
