/** Every server refuses the same manifests, names the same field and says what to write. */
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { apiVersion, type Kind, kinds } from "../../crds/names.ts";
import type { KubernetesObject } from "../../runtime/kubernetes-api.ts";
import { invalidManifests, refusalOf, validManifests } from "../support/invalid-manifests.ts";

/** A server that serves the CRDs of the product. */
export interface ManifestServer {
  readonly namespace: string;
  /** Sends one object as `kubectl apply` creates it: `POST`, with strict field validation. */
  post(path: string, object: KubernetesObject): Promise<{ readonly status: number; readonly body: string }>;
  close(): Promise<void>;
}

/** The suite of a server; `open` is called once. */
export function describeManifestRefusals(open: () => Promise<ManifestServer>): void {
  let server: ManifestServer;
  beforeAll(async () => {
    server = await open();
  });
  afterAll(() => server.close());

  const post = (manifest: KubernetesObject) =>
    server.post(
      `/apis/${apiVersion}/namespaces/${server.namespace}/${kinds[manifest.kind as Kind].plural}?fieldValidation=Strict`,
      manifest,
    );

  it.each(validManifests)("accepts $name", async ({ manifest }) => {
    expect(await post(manifest)).toMatchObject({ status: 201 });
  });

  describe("refuses", () => {
    it.each(invalidManifests)("$name", async ({ manifest, field, says }) => {
      const answer = await post(manifest);
      const refusal = refusalOf(answer.body);
      expect(refusal?.code).toBe(answer.status);
      expect(refusal?.message).toMatch(says);
      expect(refusal?.fields).toContain(field);
    });
  });
}
