import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { resourceType } from "../../crds/names.ts";
import { EmbeddedApi } from "../../local/kube/embedded-api.ts";
import { ObjectStore } from "../../local/kube/object-store.ts";
import { createAll, readDefinitions } from "../../local/manifests.ts";
import { FakeClock } from "../support/fake-clock.ts";

const root = join(import.meta.dirname, "..", "..");
const example = join(root, "examples", "live.yaml");

function embeddedApi(): EmbeddedApi {
  const crds = readDefinitions(join(root, "crds"));
  return new EmbeddedApi({ crds, store: new ObjectStore(), clock: new FakeClock(), newUid: randomUUID });
}

describe("applying a file of manifests", () => {
  it("creates its objects", async () => {
    const api = embeddedApi();
    await createAll(api, example);
    const group = await api.get(resourceType("NodeGroup"), { namespace: "default", name: "live" });
    expect(group["spec"]).toMatchObject({ regions: ["eu-west-1"] });
  });

  it("leaves what kubectl compares the next manifest with", async () => {
    const api = embeddedApi();
    await createAll(api, example);
    const { metadata } = await api.get(resourceType("NodeGroup"), { namespace: "default", name: "live" });
    expect(metadata.annotations?.["kubectl.kubernetes.io/last-applied-configuration"]).toBe(
      '{"apiVersion":"streamfleet.dev/v1alpha1","kind":"NodeGroup",' +
        '"metadata":{"annotations":{},"name":"live","namespace":"default"},' +
        '"spec":{"launchConfigRef":{"name":"live"},"regions":["eu-west-1"],"scalePolicyRef":{"name":"live"}}}\n',
    );
  });

  it("goes on where it was cut short, and changes nothing that is there", async () => {
    const api = embeddedApi();
    await createAll(api, example);
    await api.delete(resourceType("NodeGroup"), { namespace: "default", name: "live" });
    const before = await api.get(resourceType("ScalePolicy"), { namespace: "default", name: "live" });
    await createAll(api, example);
    await api.get(resourceType("NodeGroup"), { namespace: "default", name: "live" });
    expect(await api.get(resourceType("ScalePolicy"), { namespace: "default", name: "live" })).toEqual(before);
  });
});
