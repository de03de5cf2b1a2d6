/** A real control plane on loopback: etcd, kube-apiserver and kube-controller-manager, ready in seconds. No kubelet. */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import type { ClusterBinaries } from "./binaries.ts";
import { type Child, ChildProcesses } from "./child-processes.ts";
import { type HttpAnswer, httpClient, type RawHttp } from "./http-client.ts";
import { Kubectl, type KubectlOptions } from "./kubectl.ts";

export interface RealCluster {
  readonly url: string;
  /** Path of a kubeconfig of a cluster administrator. */
  readonly kubeconfig: string;
  readonly token: string;
  /** Path of the certificates that the server's own is checked against. */
  readonly certificateAuthority: string;
  /** A folder that goes when the cluster stops. */
  readonly folder: string;
  readonly http: RawHttp;
  /** Runs kubectl as administrator; throws when it fails. */
  kubectl(args: readonly string[], options?: KubectlOptions): Promise<string>;
  /** Ends all processes and removes the folder. */
  stop(): Promise<void>;
}

export interface RealClusterOptions {
  readonly binaries: ClusterBinaries;
  /**
   * CRDs, as YAML or JSON, to apply before the controller manager starts: its garbage collector looks for new kinds only every
   * 30 seconds, and knows these at once.
   */
  readonly crds?: readonly string[];
}

interface Ports {
  readonly etcd: number;
  readonly etcdPeer: number;
  readonly api: number;
}

interface Files {
  readonly serviceAccountKey: string;
  readonly tokens: string;
  readonly certificates: string;
  readonly kubeconfig: string;
}

/** Starts a control plane with an empty store. Throws with the end of the log of whichever process gave up. */
export async function startRealCluster(options: RealClusterOptions): Promise<RealCluster> {
  const processes = new ChildProcesses(await mkdtemp(join(tmpdir(), "streamfleet-cluster-")));
  try {
    return await startIn(processes, options);
  } catch (error) {
    await processes.close();
    throw error;
  }
}

async function startIn(processes: ChildProcesses, { binaries, crds = [] }: RealClusterOptions): Promise<RealCluster> {
  const { folder } = processes;
  const ports = await freePorts();
  const token = randomBytes(16).toString("hex");
  const files = await writeFiles(folder, token);
  const etcd = startEtcd(processes, binaries, ports);
  const apiServer = startApiServer(processes, binaries, { ports, files });
  const certificateAuthority = join(files.certificates, "apiserver.crt");
  await running([etcd, apiServer], () => {
    if (!existsSync(certificateAuthority)) throw new Error("the API server has written no certificate");
  });
  const url = `https://127.0.0.1:${ports.api}`;
  await writeFile(files.kubeconfig, kubeconfig({ url, token, certificateAuthority }), { mode: 0o600 });
  const http = httpClient({ url, token, ca: await readFile(certificateAuthority, "utf8") });
  await running([etcd, apiServer], async () => expectOk(await http("GET", "/readyz")));
  const kubectl = new Kubectl({
    path: binaries.kubectl,
    kubeconfig: files.kubeconfig,
    cacheFolder: join(folder, "kubectl-cache"),
  });
  await establish(kubectl, crds);
  const controllers = startControllers(processes, binaries, files);
  await running([etcd, apiServer, controllers], async () =>
    expectOk(await http("GET", "/api/v1/namespaces/default/serviceaccounts/default")),
  );
  return {
    url,
    kubeconfig: files.kubeconfig,
    token,
    certificateAuthority,
    folder,
    http,
    kubectl: (args, kubectlOptions) => kubectl.must(args, kubectlOptions),
    stop: () => processes.close(),
  };
}

async function establish(kubectl: Kubectl, crds: readonly string[]): Promise<void> {
  if (crds.length === 0) return;
  const input = crds.join("\n---\n");
  await kubectl.must(["apply", "--server-side", "-f", "-"], { input });
  await kubectl.must(["wait", "--for=condition=Established", "--timeout=30s", "-f", "-"], { input });
}

function expectOk(answer: HttpAnswer): void {
  if (answer.status !== 200) throw new Error(`the API server answered ${answer.status}`);
}

/** Waits for the condition, and gives up at once when one of the processes does. */
async function running(children: readonly Child[], condition: () => Promise<void> | void): Promise<void> {
  const waiting = new AbortController();
  const failed = Promise.race(children.map(async (child) => dead(child, await child.ended)));
  try {
    await Promise.race([eventually(condition, { withinMs: 120_000, signal: waiting.signal }), failed]);
  } finally {
    waiting.abort();
  }
}

function dead(child: Child, ending: unknown): never {
  const end = child.output().trim().split("\n").slice(-5).join("\n");
  throw new Error(`${child.name} ended (${JSON.stringify(ending)}):\n${end}`);
}

function startEtcd(processes: ChildProcesses, binaries: ClusterBinaries, ports: Ports): Child {
  const client = `http://127.0.0.1:${ports.etcd}`;
  return processes.start("etcd", binaries.etcd, [
    ...["--data-dir", join(processes.folder, "etcd")],
    ...["--listen-client-urls", client, "--advertise-client-urls", client],
    ...["--listen-peer-urls", `http://127.0.0.1:${ports.etcdPeer}`],
    // The store lives as long as the run: there is nothing to save from a power failure.
    "--unsafe-no-fsync",
    ...["--log-level", "warn"],
  ]);
}

function startApiServer(
  processes: ChildProcesses,
  binaries: ClusterBinaries,
  { ports, files }: { readonly ports: Ports; readonly files: Files },
): Child {
  return processes.start("kube-apiserver", binaries.apiServer, [
    `--etcd-servers=http://127.0.0.1:${ports.etcd}`,
    `--secure-port=${ports.api}`,
    // An advertised address is looked for on the network interfaces, and there may be none but loopback.
    ...["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none"],
    `--cert-dir=${files.certificates}`,
    "--service-account-issuer=https://kubernetes.default.svc",
    `--service-account-key-file=${files.serviceAccountKey}`,
    `--service-account-signing-key-file=${files.serviceAccountKey}`,
    `--token-auth-file=${files.tokens}`,
    "--authorization-mode=RBAC",
    "--service-cluster-ip-range=10.0.0.0/24",
  ]);
}

/** The few controllers that an operator leans on: an API server alone collects no garbage and empties no namespace. */
function startControllers(processes: ChildProcesses, binaries: ClusterBinaries, files: Files): Child {
  return processes.start("kube-controller-manager", binaries.controllerManager, [
    `--kubeconfig=${files.kubeconfig}`,
    `--service-account-private-key-file=${files.serviceAccountKey}`,
    "--controllers=garbage-collector-controller,namespace-controller,serviceaccount-controller",
    ...["--secure-port=0", "--leader-elect=false"],
  ]);
}

async function writeFiles(folder: string, token: string): Promise<Files> {
  const files: Files = {
    serviceAccountKey: join(folder, "service-account.key"),
    tokens: join(folder, "tokens.csv"),
    certificates: join(folder, "certificates"),
    kubeconfig: join(folder, "kubeconfig"),
  };
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  await writeFile(files.serviceAccountKey, privateKey.export({ type: "pkcs1", format: "pem" }), { mode: 0o600 });
  await writeFile(files.tokens, `${token},admin,admin,system:masters\n`, { mode: 0o600 });
  return files;
}

interface Access {
  readonly url: string;
  readonly token: string;
  readonly certificateAuthority: string;
}

/** JSON is YAML, and quotes itself. */
function kubeconfig({ url, token, certificateAuthority }: Access): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "test",
    contexts: [{ name: "test", context: { cluster: "test", user: "admin" } }],
    clusters: [{ name: "test", cluster: { server: url, "certificate-authority": certificateAuthority } }],
    users: [{ name: "admin", user: { token } }],
  });
}

async function freePorts(): Promise<Ports> {
  const [etcd, etcdPeer, api] = await freeLoopbackPorts(3);
  return { etcd: etcd!, etcdPeer: etcdPeer!, api: api! };
}

/** Ports that are free now; all are held at once, so that they differ. */
export async function freeLoopbackPorts(count: number): Promise<readonly number[]> {
  const held = await Promise.all(Array.from({ length: count }, holdPort));
  const ports = held.map(({ port }) => port);
  await Promise.all(held.map(({ release }) => release()));
  return ports;
}

function holdPort(): Promise<{ readonly port: number; readonly release: () => Promise<void> }> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      resolve({ port, release: () => new Promise((released) => server.close(() => released())) });
    });
  });
}
