/** The embedded API with the CRDs of the product, in memory and over HTTP. */
import type { EmbeddedApi } from "../../local/kube/embedded-api.ts";
import { startKubeServer } from "../../local/kube/http-server.ts";
import { productApi } from "./embedded-api.ts";

export interface EmbeddedServer {
  readonly url: string;
  readonly api: EmbeddedApi;
  close(): Promise<void>;
}

/** Starts one on a free port. */
export async function startEmbeddedServer(): Promise<EmbeddedServer> {
  const api = productApi();
  const server = await startKubeServer({ api, port: 0 });
  const close = async (): Promise<void> => {
    await server.close();
    api.close();
  };
  return { url: server.url, api, close };
}
