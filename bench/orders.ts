/** Talking to a process of one's own: one order at a time, and an answer to each. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { processEnvironment } from "../runtime/config.ts";

export interface Ordered<O, A> {
  tell(order: O): Promise<A>;
  /** Resolves once it is gone. */
  end(): Promise<void>;
}

/** Starts a module of this folder in a process of its own, with these variables beside ours. Its orders throw once it has ended. */
export function ordered<O extends object, A>(module: string, variables: NodeJS.ProcessEnv = {}): Ordered<O, A> {
  const child: ChildProcess = fork(fileURLToPath(new URL(module, import.meta.url)), {
    stdio: "inherit",
    execArgv: [],
    env: { ...processEnvironment(), ...variables },
  });
  const dead = once(child, "exit").then(() => undefined);
  return {
    tell: async (order) => {
      const answered = once(child, "message") as Promise<[A]>;
      child.send(order);
      const answer = await Promise.race([answered, dead]);
      if (answer === undefined) throw new Error(`the process of ${module} ended`);
      return answer[0];
    },
    end: async () => {
      if (child.connected) child.disconnect();
      await dead;
    },
  };
}
