import { mkdirSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { CommandError, findGroup, listObjects, onlyGroup, openKube } from "../../cli/operator-access.ts";
import { resourceType } from "../../crds/names.ts";
import { writeKubeconfig } from "../../local/kube/kubeconfig.ts";
import { systemClock } from "../../runtime/clock.ts";
import type { KubernetesObject } from "../../runtime/kubernetes-api.ts";
import { productApi } from "../support/embedded-api.ts";
import { nodeGroupManifest } from "../support/manifests.ts";
import { ScratchDirectory } from "../support/scratch-directory.ts";

let scratch: ScratchDirectory;

beforeEach(() => {
  scratch = new ScratchDirectory();
});
afterEach(() => scratch.remove());

/** A kubeconfig in a folder, of a server that is not there. */
async function kubeconfigIn(folder: string): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, "kubeconfig");
  writeKubeconfig(path, `http://127.0.0.1:${port}`);
  return path;
}

describe("a fleet whose Kubernetes API does not answer", () => {
  const group = { namespace: "default", name: "live" };

  it("is named by KUBECONFIG where that was asked, though a folder is there as well", async () => {
    const kubeconfig = await kubeconfigIn(join(scratch.path, "elsewhere"));
    const kube = await openKube({ kubeconfig }, systemClock());
    const failure = findGroup(kube, group);
    await expect(failure).rejects.toThrow(CommandError);
    await expect(failure).rejects.toThrow(`the Kubernetes API that KUBECONFIG names (${kubeconfig}) does not answer`);
    await expect(failure).rejects.toThrow("or name the folder of `streamfleet up` with --data-dir");
    await expect(listObjects(kube, resourceType("NodeGroup"), {})).rejects.toThrow("that KUBECONFIG names");
    kube.close();
  });

  it("is named by its folder where that was asked", async () => {
    const dataDir = join(scratch.path, "data");
    const other = await kubeconfigIn(join(scratch.path, "elsewhere"));
    await kubeconfigIn(dataDir);
    const kube = await openKube({ dataDir, kubeconfig: other }, systemClock());
    await expect(findGroup(kube, group)).rejects.toThrow(`the Kubernetes API of ${dataDir} does not answer`);
    await expect(findGroup(kube, group)).rejects.toThrow("is `streamfleet up` running?");
    kube.close();
  });
});

describe("the only group of a namespace", () => {
  const create = (api: ReturnType<typeof productApi>, name: string): Promise<KubernetesObject> =>
    api.create(resourceType("NodeGroup"), { ...nodeGroupManifest({}, name), metadata: { name, namespace: "default" } });

  it("is taken where none was named; else the choice is told", async () => {
    const api = productApi();
    await expect(onlyGroup(api, { namespace: "default" })).rejects.toThrow(
      "say which NodeGroup: namespace default has none",
    );
    await create(api, "live");
    expect(await onlyGroup(api, { namespace: "default" })).toBe("live");
    await create(api, "world");
    await expect(onlyGroup(api, { namespace: "default" })).rejects.toThrow("say which NodeGroup: live, world");
  });
});
