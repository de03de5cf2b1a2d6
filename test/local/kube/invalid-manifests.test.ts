import { describe } from "@jest/globals";
import { describeManifestRefusals, type ManifestServer } from "../../conformance/invalid-manifests.ts";
import { startEmbeddedServer } from "../../support/embedded-server.ts";

async function embeddedServer(): Promise<ManifestServer> {
  const server = await startEmbeddedServer();
  return {
    namespace: "default",
    post: async (path, object) => {
      const headers = { "content-type": "application/json" };
      const answer = await fetch(server.url + path, { method: "POST", headers, body: JSON.stringify(object) });
      return { status: answer.status, body: await answer.text() };
    },
    close: () => server.close(),
  };
}

describe("the embedded API", () => {
  describeManifestRefusals(embeddedServer);
});
