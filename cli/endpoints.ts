/** Where the parts of a running `up` are. */
import { dirname } from "node:path";
import { dataDirectory, usualDataDir } from "../local/data-directory.ts";
import { type Endpoints, readEndpoints } from "../local/endpoints.ts";
import { type Config, processEnvironment } from "../runtime/config.ts";

export const usualMediaPort = 8082;

/**
 * Flags go before the environment, that before what `up` wrote into its folder, and that before what is usual. The folder is
 * the one that is named, else that of KUBECONFIG, where an `up` of the caller may have written both.
 */
export function endpointsOf(
  { apiUrl, mediaUrl }: Partial<Endpoints>,
  dataDir: string | undefined,
  config: Config,
): Endpoints {
  const { kubeconfig } = config;
  const folder = dataDir ?? (kubeconfig === undefined ? usualDataDir : dirname(kubeconfig));
  const written = readEndpoints(dataDirectory(folder).endpoints);
  const told = processEnvironment()["STREAMFLEET_API_URL"] === undefined ? written?.apiUrl : undefined;
  return {
    apiUrl: apiUrl ?? told ?? config.apiUrl,
    mediaUrl: mediaUrl ?? written?.mediaUrl ?? `http://127.0.0.1:${usualMediaPort}`,
  };
}
