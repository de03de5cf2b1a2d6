/** A real API server on loopback: etcd and kube-apiserver, of the binaries that `npm run test:cluster` has built. */
import { type ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../runtime/clock.ts";
import { processEnvironment } from "../runtime/config.ts";
import { KubeClient, loadKubeConfig } from "../runtime/kube-client.ts";
import { pause } from "./measure.ts";

export interface RealCluster {
  /** Path of an administrator's kubeconfig. */
  readonly kubeconfig: string;
  /** As that administrator. */
  readonly kube: KubeClient;
  /** Ends its processes and removes its folder. */
  stop(): Promise<void>;
}

interface Binaries {
  readonly etcd: string;
  readonly apiServer: string;
}

/** How long (ms) it may take to answer for the first time. */
const patienceMs = 60_000;
const namespaces = { group: "", version: "v1", kind: "Namespace", plural: "namespaces", namespaced: false } as const;

/** An empty one; undefined where there are no binaries. Throws with the end of the log of whichever process gave up. */
export async function startRealCluster(): Promise<RealCluster | undefined> {
  const binaries = findBinaries();
  if (binaries === undefined) return undefined;
  const folder = await mkdtemp(join(tmpdir(), "streamfleet-bench-"));
  const processes: ChildProcess[] = [];
  const stop = async (): Promise<void> => {
    const gone = processes.filter(({ exitCode }) => exitCode === null).map((child) => once(child, "exit"));
    for (const child of processes) child.stdin?.end();
    await Promise.all(gone);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    return { ...(await startIn(folder, binaries, processes)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function findBinaries(): Binaries | undefined {
  const { KUBEBUILDER_ASSETS, XDG_CACHE_HOME } = processEnvironment();
  const cache = join(XDG_CACHE_HOME ?? join(homedir(), ".cache"), "streamfleet");
  const built = existsSync(cache) ? readdirSync(cache).toSorted().toReversed() : [];
  const folders = [KUBEBUILDER_ASSETS ?? [], built.map((version) => join(cache, version))].flat();
  const found = (name: string): string | undefined =>
    folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  const [etcd, apiServer] = [found("etcd"), found("kube-apiserver")];
  return etcd === undefined || apiServer === undefined ? undefined : { etcd, apiServer };
}

async function startIn(folder: string, binaries: Binaries, processes: ChildProcess[]) {
  const [store = 0, peer = 0, port = 0] = await freePorts(3);
  const token = randomBytes(16).toString("hex");
  const key = join(folder, "service-account.key");
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  await writeFile(key, privateKey.export({ type: "pkcs1", format: "pem" }), { mode: 0o600 });
  await writeFile(join(folder, "tokens.csv"), `${token},admin,admin,system:masters\n`, { mode: 0o600 });
  const logs = [
    started(processes, binaries.etcd, etcdArguments(folder, store, peer)),
    started(processes, binaries.apiServer, apiServerArguments({ folder, key, store, port })),
  ];
  const certificates = join(folder, "certificates", "apiserver.crt");
  const kubeconfig = join(folder, "kubeconfig");
  await writeFile(kubeconfig, kubeconfigOf(`https://127.0.0.1:${port}`, token, certificates), { mode: 0o600 });
  const check = (): void => {
    const dead = processes.findIndex(({ exitCode }) => exitCode !== null);
    if (dead >= 0) throw new Error(`a process of the cluster ended: ${logs[dead]?.() ?? ""}`);
  };
  await eventually(() => existsSync(certificates), check);
  const kube = new KubeClient({ config: await loadKubeConfig(kubeconfig), clock: systemClock() });
  await eventually(() => kube.get(namespaces, { name: "default" }), check);
  return { kubeconfig, kube };
}

function etcdArguments(folder: string, store: number, peer: number): readonly string[] {
  const client = `http://127.0.0.1:${store}`;
  return [
    ...["--data-dir", join(folder, "etcd"), "--log-level", "warn"],
    ...["--listen-client-urls", client, "--advertise-client-urls", client],
    ...["--listen-peer-urls", `http://127.0.0.1:${peer}`],
  ];
}

interface ServerPlace {
  readonly folder: string;
  readonly key: string;
  readonly store: number;
  readonly port: number;
}

function apiServerArguments({ folder, key, store, port }: ServerPlace): readonly string[] {
  return [
    ...[`--etcd-servers=http://127.0.0.1:${store}`, `--secure-port=${port}`, "--authorization-mode=RBAC"],
    ...["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none"],
    ...[`--cert-dir=${join(folder, "certificates")}`, `--token-auth-file=${join(folder, "tokens.csv")}`],
    ...["--service-account-issuer=https://kubernetes.default.svc", "--service-cluster-ip-range=10.0.0.0/24"],
    ...[`--service-account-key-file=${key}`, `--service-account-signing-key-file=${key}`],
  ];
}

/** Ends the process as soon as its input does: the kernel closes that when we end, however we do. */
const leash = 'exec 3<&0; "$@" & child=$!; (cat <&3 >/dev/null; kill -9 $child) & wait $child';

/** Gives what shows the end of what it wrote. */
function started(processes: ChildProcess[], command: string, args: readonly string[]): () => string {
  const child = spawn("sh", ["-c", leash, "sh", command, ...args], { stdio: ["pipe", "ignore", "pipe"] });
  let end = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (end = (end + text).slice(-2_000)));
  child.once("error", (error) => (end += error.message));
  processes.push(child);
  return () => end;
}

async function eventually(attempt: () => unknown, check: () => void): Promise<void> {
  const endMs = performance.now() + patienceMs;
  for (;;) {
    check();
    const last = performance.now() > endMs;
    try {
      if ((await attempt()) !== false) return;
      if (last) throw new Error("the cluster does not get ready");
    } catch (error) {
      if (last) throw error;
    }
    await pause(100);
  }
}

/** JSON is YAML. The server's certificates are read when the file is. */
function kubeconfigOf(server: string, token: string, certificates: string): string {
  return JSON.stringify({
    ...{ apiVersion: "v1", kind: "Config", "current-context": "bench" },
    contexts: [{ name: "bench", context: { cluster: "bench", user: "admin" } }],
    clusters: [{ name: "bench", cluster: { server, "certificate-authority": certificates } }],
    users: [{ name: "admin", user: { token } }],
  });
}

/** All are held at once, so that they differ. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const listening = (server: (typeof servers)[number]) =>
    new Promise<number>((resolve) =>
      server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)),
    );
  const ports = await Promise.all(servers.map(listening));
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}
