/** A configuration for a server on this machine that has no TLS. */
import { KubeConfig } from "@kubernetes/client-node";

export function plainKubeConfig(server: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromClusterAndUser({ name: "test", server, skipTLSVerify: true }, { name: "test", token: "secret" });
  return config;
}
