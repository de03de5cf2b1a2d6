import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeKubeconfig } from "../../local/kube/kubeconfig.ts";
import { type EmbeddedServer, startEmbeddedServer } from "../support/embedded-server.ts";
import { ScratchDirectory } from "../support/scratch-directory.ts";
import { clusterKubeconfig, kubectlOf, kubectlVersions } from "./environment.ts";
import type { Kubectl } from "./kubectl.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const crds = join(root, "crds");
const examples = readdirSync(join(root, "examples")).map((name) => join(root, "examples", name));
const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "streamfleet-system" } };

describe.each(kubectlVersions)("kubectl %s", (version) => {
  describe.each(["embedded", "real"] as const)("on the %s API server", (kind) => {
    let folder: ScratchDirectory;
    let embedded: EmbeddedServer | undefined;
    let kubectl: Kubectl;
    beforeAll(async () => {
      folder = new ScratchDirectory();
      if (kind === "embedded") {
        embedded = await startEmbeddedServer();
        const kubeconfig = join(folder.path, "kubeconfig");
        writeKubeconfig(kubeconfig, embedded.url);
        kubectl = kubectlOf(version, kubeconfig, folder.path);
      } else {
        kubectl = kubectlOf(version, clusterKubeconfig(), folder.path);
        const files = readdirSync(crds).filter((name) => name.endsWith(".yaml"));
        const given = files.flatMap((name) => ["-f", join(crds, name)]);
        await kubectl.must(["apply", "--server-side", ...given]);
        await kubectl.must(["wait", "--for=condition=Established", "--timeout=30s", ...given]);
      }
      await kubectl.must(["apply", "-f", "-"], { input: JSON.stringify(namespace) });
    });
    afterAll(async () => {
      await embedded?.close();
      folder.remove();
    });

    const versionsOf = async (file: string): Promise<string> => {
      const columns = "NAME:.metadata.name,VERSION:.metadata.resourceVersion,GENERATION:.metadata.generation";
      return kubectl.must(["get", "-f", file, "--no-headers", "-o", `custom-columns=${columns}`]);
    };

    it.each(examples.map((path) => path.slice(root.length)))(
      "%s is unchanged when it is applied again",
      async (path) => {
        const file = join(root, path);
        await kubectl.must(["apply", "-f", file]);
        const before = await versionsOf(file);
        const said = (await kubectl.must(["apply", "-f", file])).trim().split("\n");
        expect(said.filter((line) => !line.endsWith(" unchanged"))).toEqual([]);
        expect(await versionsOf(file)).toBe(before);
        expect((await kubectl.run(["diff", "-f", file])).stdout).toBe("");
        await kubectl.must(["delete", "-f", file]);
      },
    );

    it.each(examples.map((path) => path.slice(root.length)))("%s, server-side, writes nothing again", async (path) => {
      const file = join(root, path);
      await kubectl.must(["apply", "--server-side", "-f", file]);
      const before = await versionsOf(file);
      expect(await kubectl.must(["apply", "--server-side", "-f", file])).toContain("serverside-applied");
      expect(await versionsOf(file)).toBe(before);
      expect((await kubectl.run(["diff", "--server-side", "-f", file])).stdout).toBe("");
      await kubectl.must(["delete", "-f", file]);
    });

    it("goes from one way of applying to the other and back", async () => {
      const file = join(root, "examples", "every-field.yaml");
      await kubectl.must(["apply", "-f", file]);
      for (const way of [["--server-side"], ["--server-side"], []]) await kubectl.must(["apply", ...way, "-f", file]);
      const generations = ["get", "-f", file, "-o", "jsonpath={.items[*].metadata.generation}"];
      expect(await kubectl.must(generations)).toBe("1 1 1");
      await kubectl.must(["delete", "-f", file]);
    });
  });
});
