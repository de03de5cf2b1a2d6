/** A cloud whose machines another process lists over HTTP, as the machines of every real cloud are. */
import type { Machine } from "../domain/node/machine.ts";
import { ok } from "../domain/result.ts";
import type { CloudPlatform, MachineQuery, PlatformResult } from "../platforms/platform.ts";

/** How often (ms) a region is listed: clouds allow few calls. */
const intervalMs = 10_000;

export class ListedPlatform implements CloudPlatform {
  readonly name = "simulated";
  readonly visibilityLagMs = 0;
  readonly listIntervalMs = intervalMs;
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async list({ region }: MachineQuery): PlatformResult<readonly Machine[]> {
    const response = await fetch(`${this.#url}/${region}`);
    return ok((await response.json()) as readonly Machine[]);
  }

  launch(): never {
    throw new Error("nothing is to be launched");
  }

  terminate(): never {
    throw new Error("nothing is to be terminated");
  }

  read(): never {
    throw new Error("nothing is to be read alone");
  }

  readMany(): never {
    throw new Error("no machines are to be read by their ids");
  }

  updateTags(): never {
    throw new Error("no tag is to be changed");
  }
}
