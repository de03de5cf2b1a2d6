import { describe, expect } from "@jest/globals";
import { systemClock } from "../../runtime/clock.ts";
import { KubeClient, loadKubeConfig } from "../../runtime/kube-client.ts";
import { describeKubernetesApi, type KubernetesServer } from "../conformance/kubernetes-api.ts";
import { eventually } from "../support/eventually.ts";
import { widgetCrd, widgetType } from "../support/widget-crd.ts";
import { clusterHttp, clusterKubeconfig } from "./environment.ts";

/** The real server over our client, in a namespace of the suite's own. */
async function realServer(): Promise<KubernetesServer> {
  const http = clusterHttp();
  const namespace = "conformance";
  await http("POST", "/api/v1/namespaces", { body: { metadata: { name: namespace } } });
  await http("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", { body: widgetCrd });
  await eventually(async () => {
    const widgets = await http("GET", `/apis/${widgetType.group}/${widgetType.version}/widgets`);
    const index = await http("GET", "/openapi/v3");
    expect(widgets.status).toBe(200);
    expect(index.body).toContain(widgetType.group);
  });
  const api = new KubeClient({ config: await loadKubeConfig(clusterKubeconfig()), clock: systemClock() });
  return {
    api,
    http,
    namespace,
    close: async () => {
      await http("DELETE", `/api/v1/namespaces/${namespace}`);
      api.close();
    },
  };
}

describe("a real API server", () => {
  describeKubernetesApi(realServer, { protobuf: true, streamingLists: true });
});
