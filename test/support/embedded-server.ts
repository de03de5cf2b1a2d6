/** The embedded API with the CRDs of the product, in memory and over HTTP. */
import { randomUUID } from "node:crypto";
import { customResourceDefinitions } from "../../crds/definitions.ts";
import { EmbeddedApi } from "../../local/kube/embedded-api.ts";
import { startKubeServer } from "../../local/kube/http-server.ts";
import { ObjectStore } from "../../local/kube/object-store.ts";
import { FakeClock } from "./fake-clock.ts";

export interface EmbeddedServer {
  readonly url: string;
  readonly api: EmbeddedApi;
  close(): Promise<void>;
}

/** Starts one on a free port. */
export async function startEmbeddedServer(): Promise<EmbeddedServer> {
  const api = new EmbeddedApi({
    crds: customResourceDefinitions(),
    store: new ObjectStore(),
    clock: new FakeClock(),
    newUid: randomUUID,
  });
  const server = await startKubeServer({ api, port: 0 });
  const close = async (): Promise<void> => {
    await server.close();
    api.close();
  };
  return { url: server.url, api, close };
}
