import { describe } from "@jest/globals";
import { type ApplyServer, describeServerSideApply } from "../../conformance/server-side-apply.ts";
import { startEmbeddedServer } from "../../support/embedded-server.ts";

async function embeddedServer(): Promise<ApplyServer> {
  const server = await startEmbeddedServer();
  return {
    namespace: "default",
    send: async (method, path, body, contentType) => {
      const headers = { "content-type": contentType };
      const answer = await fetch(server.url + path, { method, headers, body: JSON.stringify(body) });
      return { status: answer.status, body: await answer.text() };
    },
    close: () => server.close(),
  };
}

describe("the embedded API", () => {
  describeServerSideApply(embeddedServer);
});
