/** The keys that sign tokens: two valid at once, in a Secret that all processes share. */
import { createHash, createSecretKey } from "node:crypto";
import type { Clock } from "../domain/ports.ts";
import { ApiError, type KubernetesApi, type KubernetesObject, type ResourceType } from "./kubernetes-api.ts";
import type { Logger } from "./logger.ts";
import type { NodeKey, ValidKeys } from "./node-tokens.ts";

/** Name of the Secret, in the operator's namespace. */
export const nodeKeysSecretName = "streamfleet-node-keys";

const secretType: ResourceType = { group: "", version: "v1", kind: "Secret", plural: "secrets", namespaced: true };
const keyBytes = 32;

/** Shortest time (ms) between two reads that unknown key ids cause: strangers must not drive us to the API server. */
const shortestReadGapMs = 5_000;

export interface KeyRingOptions {
  readonly clock: Clock;
  /** Gives that many random bytes, fit for a key. */
  readonly random: (bytes: number) => Uint8Array;
  /**
   * The key (32 bytes) to begin with when the Secret is missing. Kept outside the cluster, it lets machines that are
   * running call back after the cluster's objects were lost.
   */
  readonly seed?: Uint8Array;
}

interface Keys {
  readonly current: NodeKey;
  readonly previous?: NodeKey;
}

/** The Secret holds something else than keys: a person must mend or delete it. */
export class InvalidKeysError extends Error {
  override readonly name = "InvalidKeysError";
  readonly isForPeople = true;
}

/**
 * Reads the keys, or creates them when there are none; of two processes that do so at once, both get the first one's.
 * Throws `InvalidKeysError`, and what the API throws.
 */
export async function loadKeyRing(
  api: KubernetesApi,
  namespace: string,
  { clock, random, seed }: KeyRingOptions,
): Promise<KeyRing> {
  const secret = new KeySecret(api, namespace);
  const keys = (await secret.read()) ?? (await secret.create({ current: toKey(seed ?? random(keyBytes)) }));
  return new KeyRing(secret, clock, keys);
}

/**
 * The keys as last read. To rotate, a person moves `current` to `previous` in the Secret and puts 32 new bytes into
 * `current`. A machine can call back as long as the key of its launch is one of the two.
 */
export class KeyRing implements ValidKeys {
  readonly #secret: KeySecret;
  readonly #clock: Clock;
  #keys: Keys;
  #readAtMs: number;
  #reading: Promise<void> | undefined;

  constructor(secret: KeySecret, clock: Clock, keys: Keys) {
    this.#secret = secret;
    this.#clock = clock;
    this.#keys = keys;
    this.#readAtMs = clock.monotonicMs();
  }

  /** The key that new tokens are made with. */
  get current(): NodeKey {
    return this.#keys.current;
  }

  find(id: string): NodeKey | undefined {
    return [this.#keys.current, this.#keys.previous].find((key) => key?.id === id);
  }

  /** Reads the Secret again; one that has vanished is written back. Calls during a read share it. */
  refresh(): Promise<void> {
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  /** Reads again when the key is unknown and the last read is not too recent. */
  async refreshFor(keyId: string): Promise<void> {
    if (this.find(keyId) !== undefined) return;
    if (this.#clock.monotonicMs() - this.#readAtMs >= shortestReadGapMs) await this.refresh();
  }

  /** Refreshes every `ms` until the returned function is called; the last known keys stay valid when a read fails. */
  refreshEvery(ms: number, logger: Logger): () => void {
    let cancel = (): void => undefined;
    let stopped = false;
    const next = (): void => {
      if (!stopped) cancel = this.#clock.after(ms, tick);
    };
    const tick = (): void => {
      this.refresh()
        .catch((error: unknown) => logger.error("failed to read the node keys", { error }))
        .finally(next);
    };
    next();
    return () => {
      stopped = true;
      cancel();
    };
  }

  async #read(): Promise<void> {
    this.#readAtMs = this.#clock.monotonicMs();
    this.#keys = (await this.#secret.read()) ?? (await this.#secret.create(this.#keys));
  }
}

/** The Secret itself. */
class KeySecret {
  readonly #api: KubernetesApi;
  readonly #namespace: string;

  constructor(api: KubernetesApi, namespace: string) {
    this.#api = api;
    this.#namespace = namespace;
  }

  async read(): Promise<Keys | undefined> {
    try {
      return parse(await this.#api.get(secretType, { namespace: this.#namespace, name: nodeKeysSecretName }));
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) return undefined;
      throw error;
    }
  }

  /** Creates the Secret; where it exists by now, what it holds wins. */
  async create(keys: Keys): Promise<Keys> {
    try {
      return parse(await this.#api.create(secretType, render(this.#namespace, keys)));
    } catch (error) {
      const existing = error instanceof ApiError && error.code === 409 ? await this.read() : undefined;
      if (existing === undefined) throw error;
      return existing;
    }
  }
}

function render(namespace: string, { current, previous }: Keys): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: nodeKeysSecretName, namespace },
    type: "Opaque",
    data: {
      current: Buffer.from(current.secret).toString("base64"),
      ...(previous !== undefined && { previous: Buffer.from(previous.secret).toString("base64") }),
    },
  };
}

function parse(secret: KubernetesObject): Keys {
  const data = secret["data"];
  const fields = new Map(typeof data === "object" && data !== null ? Object.entries(data) : []);
  const key = (name: string): NodeKey | undefined => {
    const text: unknown = fields.get(name);
    return typeof text === "string" && text !== "" ? toKey(Buffer.from(text, "base64"), name) : undefined;
  };
  const current = key("current");
  const previous = key("previous");
  if (current === undefined) throw invalid("has no field `current`");
  return { current, ...(previous !== undefined && { previous }) };
}

function toKey(secret: Uint8Array, field = "current"): NodeKey {
  if (secret.length !== keyBytes) throw invalid(`holds ${secret.length} bytes in \`${field}\``);
  const id = createHash("sha256").update(secret).digest("hex").slice(0, 12);
  return { id, secret, prepared: createSecretKey(secret) };
}

function invalid(what: string): InvalidKeysError {
  return new InvalidKeysError(
    `Secret ${nodeKeysSecretName} ${what}: write ${keyBytes} random bytes in base64, or delete it to get a new key`,
  );
}
