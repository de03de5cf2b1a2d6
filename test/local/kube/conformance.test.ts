import { describe } from "@jest/globals";
import { startKubeServer } from "../../../local/kube/http-server.ts";
import { KubeClient } from "../../../runtime/kube-client.ts";
import type { Clock } from "../../../domain/ports.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { describeKubernetesApi, type KubernetesServer } from "../../conformance/kubernetes-api.ts";
import { widgetApi } from "../../support/embedded-api.ts";
import { plainKubeConfig } from "../../support/kube-config.ts";

const refused = { protobuf: false, streamingLists: false };

/** Waits a tenth as long: watches last a second of it, the least that a request can ask for. */
function hurriedClock(): Clock {
  const clock = systemClock();
  return { ...clock, after: (ms, callback) => clock.after(ms / 10, callback) };
}

async function served(): Promise<KubernetesServer & { readonly url: string }> {
  const embedded = widgetApi({ clock: hurriedClock() });
  const server = await startKubeServer({ api: embedded, port: 0 });
  return {
    url: server.url,
    api: embedded,
    http: async (method, path, { headers = {}, body } = {}) => {
      const sent = body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) };
      const answer = await fetch(server.url + path, { method, headers, ...sent });
      return { status: answer.status, headers: Object.fromEntries(answer.headers), body: await answer.text() };
    },
    namespace: "default",
    close: async () => {
      await server.close();
      embedded.close();
    },
  };
}

describe("the embedded API in this process", () => {
  describeKubernetesApi(served, refused);
});

describe("the embedded API through the client", () => {
  describeKubernetesApi(async () => {
    const server = await served();
    return { ...server, api: new KubeClient({ config: plainKubeConfig(server.url), clock: systemClock() }) };
  }, refused);
});
