import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { apiVersion, type Kind, kinds } from "../../crds/names.ts";
import { describeManifestRefusals, type ManifestServer } from "../conformance/invalid-manifests.ts";
import { type ApplyServer, describeServerSideApply } from "../conformance/server-side-apply.ts";
import { type EmbeddedServer, startEmbeddedServer } from "../support/embedded-server.ts";
import { invalidManifests } from "../support/invalid-manifests.ts";
import { ScratchDirectory } from "../support/scratch-directory.ts";
import { clusterHttp, clusterKubeconfig, kubectlOf, kubectlVersions } from "./environment.ts";
import type { Kubectl } from "./kubectl.ts";

const crdFolder = fileURLToPath(new URL("../../crds/", import.meta.url));

async function crdFiles(): Promise<readonly string[]> {
  const names = await readdir(crdFolder);
  return names.filter((name) => name.endsWith(".yaml")).map((name) => `${crdFolder}${name}`);
}

async function applyServer(): Promise<ApplyServer> {
  const http = clusterHttp();
  const server = await realServer("applied");
  const send: ApplyServer["send"] = (method, path, body, contentType) =>
    http(method, path, { body, headers: { "content-type": contentType } });
  return { namespace: server.namespace, close: () => server.close(), send };
}

/** The real server, in a namespace of the suite's own. */
async function realServer(namespace = "manifests"): Promise<ManifestServer> {
  const http = clusterHttp();
  await http("POST", "/api/v1/namespaces", { body: { metadata: { name: namespace } } });
  return {
    namespace,
    post: (path, object) => http("POST", path, { body: object }),
    close: async () => {
      await http("DELETE", `/api/v1/namespaces/${namespace}`);
    },
  };
}

describe("a real API server", () => {
  describeManifestRefusals(() => realServer());

  describe("applies on the server", () => {
    describeServerSideApply(applyServer);
  });

  describe("and the embedded one say the same of", () => {
    let embedded: EmbeddedServer;
    beforeAll(async () => {
      embedded = await startEmbeddedServer();
    });
    afterAll(() => embedded.close());

    it.each(invalidManifests)("$name", async ({ manifest }) => {
      const { plural } = kinds[manifest.kind as Kind];
      const path = `/apis/${apiVersion}/namespaces/default/${plural}?fieldValidation=Strict`;
      const headers = { "content-type": "application/json" };
      const theirs = await clusterHttp()("POST", path, { body: manifest });
      const ours = await fetch(embedded.url + path, { method: "POST", headers, body: JSON.stringify(manifest) });
      expect(await ours.json()).toEqual(JSON.parse(theirs.body));
    });
  });

  describe.each(kubectlVersions)("through kubectl %s", (version) => {
    let folder: ScratchDirectory;
    let kubectl: Kubectl;
    beforeAll(() => {
      folder = new ScratchDirectory();
      kubectl = kubectlOf(version, clusterKubeconfig(), folder.path);
    });
    afterAll(() => folder.remove());

    it("takes the generated CRDs and establishes them", async () => {
      const files = (await crdFiles()).flatMap((file) => ["-f", file]);
      expect(files).toHaveLength(10);
      await kubectl.must(["apply", "--server-side", ...files]);
      const waited = await kubectl.must(["wait", "--for=condition=Established", "--timeout=30s", ...files]);
      expect(waited.match(/condition met/g)).toHaveLength(5);
    });

    it("has nothing to warn about in the CRDs", async () => {
      const conditions = await kubectl.must([
        ...["get", "crds", "-o"],
        `jsonpath={range .items[*].status.conditions[?(@.status=="True")]}{.type}{"\\n"}{end}`,
      ]);
      expect(new Set(conditions.trim().split("\n"))).toEqual(new Set(["NamesAccepted", "Established"]));
    });

    it.each([
      "a minimum above the maximum",
      "two platforms",
      "an unknown role",
      "an unknown field in a group",
      "a region twice",
    ])("shows a user what is wrong: %s", async (name) => {
      const { manifest, says } = invalidManifests.find((entry) => entry.name === name)!;
      const refused = await kubectl.run(["apply", "-f", "-"], { input: JSON.stringify(manifest) });
      expect(refused.code).toBe(1);
      expect(refused.stderr).toMatch(says);
    });
  });
});
