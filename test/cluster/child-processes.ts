/** Processes that a test run starts, and the promise that none of them outlives it, however it ends. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Writable } from "node:stream";

/** How a process ended: its exit code, or the signal that ended it. */
export type Ending =
  | { readonly kind: "Exited"; readonly code: number }
  | { readonly kind: "Killed"; readonly signal: NodeJS.Signals }
  | { readonly kind: "NotStarted"; readonly message: string };

export interface ChildOptions {
  /** The whole environment of the process, not an addition to ours. */
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

export interface Child {
  readonly name: string;
  readonly pid: number;
  /** Settles when the process is gone; never rejects. */
  readonly ended: Promise<Ending>;
  /** Undefined while it runs. */
  ending(): Ending | undefined;
  /** All that it has written so far, to either stream. */
  output(): string;
  /** Sends the signal and waits until the process is gone. */
  kill(signal: NodeJS.Signals): Promise<Ending>;
}

/**
 * Kills what is still running and removes the folder once its input closes: the kernel closes it when we die, also by
 * `kill -9`. Reads `+ PID` and `- PID` lines.
 */
const reaperScript = `
alive=" "
while read -r sign pid; do
  case $sign in
    +) alive="$alive$pid " ;;
    -) alive=$(printf '%s' "$alive" | sed "s/ $pid / /") ;;
  esac
done
[ "$alive" = " " ] || kill -KILL $alive
rm -rf "$1"
`;

/** The processes of one folder, which holds their logs and goes with them. */
export class ChildProcesses {
  readonly folder: string;
  readonly #children = new Set<Child>();
  readonly #reaper: ChildProcess;
  readonly #reaperInput: Writable;

  /** Takes over an existing folder: it is removed when the last of us is gone. */
  constructor(folder: string) {
    this.folder = folder;
    // Detached: a Ctrl-C in the terminal ends us, and must not end the one that cleans up after us.
    const reaper = spawn("sh", ["-c", reaperScript, "sh", folder], {
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
    });
    this.#reaper = reaper;
    this.#reaperInput = reaper.stdin;
    reaper.unref();
    (reaper.stdin as Writable & { unref?: () => void }).unref?.();
  }

  /** Starts a process whose output goes to `NAME.log` in the folder. */
  start(name: string, command: string, args: readonly string[], options: ChildOptions = {}): Child {
    const log = join(this.folder, `${name}.log`);
    const descriptor = openSync(log, "a");
    const spawned = spawn(command, args, { ...options, stdio: ["ignore", descriptor, descriptor] });
    closeSync(descriptor);
    const child = watched(name, spawned, log);
    this.#adopt(child);
    return child;
  }

  /** Ends all processes at once and removes the folder. Nothing of value lives there. */
  async close(): Promise<void> {
    await Promise.all([...this.#children].map((child) => child.kill("SIGKILL")));
    const gone = new Promise<void>((resolve) => this.#reaper.once("exit", () => resolve()));
    this.#reaper.ref();
    this.#reaperInput.end();
    await gone;
  }

  #adopt(child: Child): void {
    if (child.pid === 0) return;
    this.#children.add(child);
    this.#reaperInput.write(`+ ${child.pid}\n`);
    void child.ended.then(() => {
      this.#children.delete(child);
      this.#reaperInput.write(`- ${child.pid}\n`);
    });
  }
}

function watched(name: string, spawned: ChildProcess, log: string): Child {
  let ending: Ending | undefined;
  const ended = endOf(spawned).then((how) => (ending = how));
  return {
    name,
    pid: spawned.pid ?? 0,
    ended,
    ending: () => ending,
    output: () => readFileSync(log, "utf8"),
    kill: (signal) => {
      if (ending === undefined) spawned.kill(signal);
      return ended;
    },
  };
}

function endOf(spawned: ChildProcess): Promise<Ending> {
  return new Promise((resolve) => {
    spawned.once("error", (error) => resolve({ kind: "NotStarted", message: error.message }));
    spawned.once("exit", (code, signal) =>
      resolve(signal === null ? { kind: "Exited", code: code ?? 0 } : { kind: "Killed", signal }),
    );
  });
}
