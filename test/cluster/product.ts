/** The product as its users run it: `node main.ts COMMAND` in processes of their own. */
import { fileURLToPath } from "node:url";
import type { Child, ChildProcesses, Ending } from "./child-processes.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

type Variables = Readonly<Record<string, string>>;

/** Starts `main.ts`. It sees these variables, and of ours only where programs and the home folder are. */
export function startProduct(
  processes: ChildProcesses,
  name: string,
  { args, env = {} }: { readonly args: readonly string[]; readonly env?: Variables },
): Child {
  const { PATH, HOME } = process.env;
  return processes.start(name, process.execPath, ["main.ts", ...args], { cwd: root, env: { PATH, HOME, ...env } });
}

/** Throws, with the end of what it wrote, when the process is no longer there. */
export function expectAlive(...children: readonly Child[]): void {
  for (const child of children) {
    const ending = child.ending();
    if (ending !== undefined) throw new Error(`${child.name} ended: ${describeEnding(ending)}\n${lastLines(child)}`);
  }
}

/** Waits for the end of a process that must succeed. */
export async function expectSuccess(child: Child): Promise<void> {
  const ending = await child.ended;
  if (ending.kind === "Exited" && ending.code === 0) return;
  throw new Error(`${child.name} failed: ${describeEnding(ending)}\n${lastLines(child)}`);
}

/** Status of a GET, or undefined where nobody answers. */
export async function statusOf(url: string): Promise<number | undefined> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) });
    await answer.body?.cancel();
    return answer.status;
  } catch {
    return undefined;
  }
}

function describeEnding(ending: Ending): string {
  switch (ending.kind) {
    case "Exited":
      return `exit code ${ending.code}`;
    case "Killed":
      return ending.signal;
    case "NotStarted":
      return ending.message;
  }
}

function lastLines(child: Child): string {
  return child.output().trim().split("\n").slice(-20).join("\n");
}
