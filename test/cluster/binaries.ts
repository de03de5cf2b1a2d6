/** The binaries of the control plane and the kubectls, built on first use. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { text } from "node:stream/consumers";

export interface ClusterBinaries {
  readonly etcd: string;
  readonly apiServer: string;
  readonly controllerManager: string;
  /** Of the version of the API server. */
  readonly kubectl: string;
  /** Two minor versions older, as far back as we promise to work. */
  readonly olderKubectl: string;
}

/** Runs `build.sh`, whose progress goes to our stderr. Throws when it fails; it has said why by then. */
export async function buildBinaries(): Promise<ClusterBinaries> {
  const script = fileURLToPath(new URL("build.sh", import.meta.url));
  const building = spawn(script, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<number | null>((resolve, reject) => {
    building.once("error", reject);
    building.once("exit", resolve);
  });
  const [output, code] = await Promise.all([text(building.stdout), ended]);
  if (code !== 0) throw new Error("there is no control plane to test against: see the line above");
  return parseBinaries(output);
}

function parseBinaries(output: string): ClusterBinaries {
  const paths = new Map(
    output
      .trim()
      .split("\n")
      .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)] as const),
  );
  const path = (name: string): string => {
    const found = paths.get(name);
    if (found === undefined) throw new Error(`build.sh named no ${name}`);
    return found;
  };
  return {
    etcd: path("etcd"),
    apiServer: path("kube-apiserver"),
    controllerManager: path("kube-controller-manager"),
    kubectl: path("kubectl"),
    olderKubectl: path("kubectl-older"),
  };
}
