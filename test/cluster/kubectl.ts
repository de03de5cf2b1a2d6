/** Runs a kubectl as a user would, against one kubeconfig, and gives what it said. */
import { type ChildProcess, spawn } from "node:child_process";
import { text } from "node:stream/consumers";

export interface KubectlResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface KubectlOptions {
  /** What `-f -` reads. */
  readonly input?: string;
  /** Added to the environment, such as `KUBE_EDITOR`. */
  readonly env?: Readonly<Record<string, string>>;
  /** It is killed, and its code is -1, when it takes longer; default 60,000. */
  readonly timeoutMs?: number;
}

/** A kubectl that keeps running, such as `get --watch`. */
export interface RunningKubectl {
  /** What it has written to stdout so far. */
  output(): string;
  stop(): Promise<void>;
}

export interface KubectlSettings {
  readonly path: string;
  readonly kubeconfig: string;
  /** Ports are used again, and kubectl's own cache knows a server only by its port: so each run brings its own. */
  readonly cacheFolder: string;
}

export class Kubectl {
  readonly #settings: KubectlSettings;

  constructor(settings: KubectlSettings) {
    this.#settings = settings;
  }

  /** Runs it to its end. A refusal by the server is a result, not an exception. */
  async run(args: readonly string[], options: KubectlOptions = {}): Promise<KubectlResult> {
    const running = this.#spawn(args, options.env);
    const overdue = setTimeout(() => running.kill("SIGKILL"), options.timeoutMs ?? 60_000);
    running.stdin.on("error", () => undefined).end(options.input ?? "");
    const [stdout, stderr, code] = await Promise.all([text(running.stdout), text(running.stderr), exitCode(running)]);
    clearTimeout(overdue);
    return { code, stdout, stderr };
  }

  /** Like `run`, for commands that must succeed: gives stdout, and throws with stderr when it fails. */
  async must(args: readonly string[], options: KubectlOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, options);
    if (code !== 0) throw new Error(`kubectl ${args.join(" ")} ended with ${code}: ${stderr || stdout}`);
    return stdout;
  }

  /** Starts it and lets it run until it is stopped. */
  start(args: readonly string[]): RunningKubectl {
    const running = this.#spawn(args);
    let output = "";
    running.stdin.end();
    running.stderr.resume();
    running.stdout.setEncoding("utf8").on("data", (chunk: string) => (output += chunk));
    const ended = exitCode(running);
    const stop = async (): Promise<void> => {
      running.kill("SIGKILL");
      await ended;
    };
    return { output: () => output, stop };
  }

  #spawn(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const { path, kubeconfig, cacheFolder } = this.#settings;
    const all = ["--kubeconfig", kubeconfig, "--cache-dir", cacheFolder, ...args];
    return spawn(path, all, { env: { ...process.env, ...env }, stdio: ["pipe", "pipe", "pipe"] });
  }
}

function exitCode(running: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    running.once("error", reject);
    running.once("exit", (code) => resolve(code ?? -1));
  });
}
