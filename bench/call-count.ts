/** Counts the calls that leave a process. */
import { kinds } from "../crds/names.ts";
import { eventType } from "../runtime/events.ts";
import type { KubernetesApi, ResourceType } from "../runtime/kubernetes-api.ts";

export type Callee = "kubernetes" | "cloud";

export class CallCount {
  readonly #counts = new Map<string, number>();
  #waitedMs = 0;
  #createdMs: number[] = [];

  add(callee: Callee, verb: string): void {
    const name = `${callee} ${verb}`;
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  /** Adds to the time that the operator waited for answers. Events are sent beside the work. */
  wait(ms: number): void {
    this.#waitedMs += ms;
  }

  /** A batch was created, which took so long (ms). */
  created(ms: number): void {
    this.#createdMs.push(ms);
  }

  reset(): void {
    this.#counts.clear();
    this.#waitedMs = 0;
    this.#createdMs = [];
  }

  /** Times (ms) that batches took to be created since the last `reset`. */
  get createdMs(): readonly number[] {
    return this.#createdMs;
  }

  /** Time (ms) waited for answers of the Kubernetes API. */
  get waitedMs(): number {
    return this.#waitedMs;
  }

  total(callee: Callee): number {
    const counts = [...this.#counts].filter(([name]) => name.startsWith(`${callee} `));
    return counts.reduce((sum, [, count]) => sum + count, 0);
  }

  /** Calls by callee and verb. */
  counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }
}

/** The same API; every call but a watch is counted by its verb and timed. */
export function countedKubernetes(api: KubernetesApi, calls: CallCount): KubernetesApi {
  const counted = async <T>(verb: string, type: ResourceType, call: () => Promise<T>): Promise<T> => {
    calls.add("kubernetes", verb);
    const start = performance.now();
    try {
      return await call();
    } finally {
      const ms = performance.now() - start;
      if (type.plural !== eventType.plural) calls.wait(ms);
      if (verb === "create" && type.plural === kinds.LaunchBatch.plural) calls.created(ms);
    }
  };
  return {
    list: (type, options, signal) => counted("list", type, () => api.list(type, options, signal)),
    get: (type, address, signal) => counted("get", type, () => api.get(type, address, signal)),
    create: (type, object, signal) => counted("create", type, () => api.create(type, object, signal)),
    replace: (type, object, signal) => counted("replace", type, () => api.replace(type, object, signal)),
    mergePatch: (type, address, patch, options, signal) =>
      counted("patch", type, () => api.mergePatch(type, address, patch, options, signal)),
    delete: (type, address, options, signal) =>
      counted("delete", type, () => api.delete(type, address, options, signal)),
    watch: (type, options, signal) => api.watch(type, options, signal),
  };
}
