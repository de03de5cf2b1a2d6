import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { readEndpoints } from "../../local/endpoints.ts";
import { operatorToken } from "../../cli/operator-access.ts";
import { systemClock } from "../../runtime/clock.ts";
import { KubeClient, loadKubeConfig } from "../../runtime/kube-client.ts";
import type { KubernetesObject } from "../../runtime/kubernetes-api.ts";
import { eventually } from "../support/eventually.ts";
import {
  edgeLaunch,
  edgeLimits,
  launchConfigManifest,
  nodeGroupManifest,
  scalePolicyManifest,
} from "../support/manifests.ts";
import { type Child, ChildProcesses } from "./child-processes.ts";
import { kubectlOf, kubectlVersions } from "./environment.ts";
import { inService, streamNodes } from "./fleet.ts";
import type { Kubectl } from "./kubectl.ts";
import { expectAlive, expectSuccess, startProduct } from "./product.ts";
import { freeLoopbackPorts } from "./real-cluster.ts";

describe("streamfleet up", () => {
  let processes: ChildProcesses;
  let up: Child;
  let kubeconfig: string;

  beforeAll(async () => {
    processes = new ChildProcesses(await mkdtemp(join(tmpdir(), "streamfleet-up-")));
    const data = join(processes.folder, "data");
    const [apiPort, kubePort] = await freeLoopbackPorts(2);
    kubeconfig = join(data, "kubeconfig");
    up = startProduct(processes, "up", {
      args: ["up", "--data-dir", data, "--api-port", String(apiPort), "--kube-port", String(kubePort)],
    });
  });

  afterAll(() => processes.close());

  it("has the example in service within 30 seconds", async () => {
    const kubectl = kubectlOf("1.34", kubeconfig, processes.folder);
    await eventually(async () => {
      expectAlive(up);
      const nodes = await streamNodes(kubectl, "default");
      expect(inService(nodes)).toEqual(["live-edge-0", "live-edge-1", "live-origin-0"]);
    });
  });

  describe.each(kubectlVersions)("to kubectl %s", (version) => {
    let kubectl: Kubectl;
    const run = (...args: readonly string[]): Promise<string> => kubectl.must(args);

    beforeAll(() => {
      kubectl = kubectlOf(version, kubeconfig, processes.folder);
    });
    beforeEach(() => expectAlive(up));

    it.each([
      ["ng", "NAME ORIGINS EDGES READY LOAD AGE", ["live 1/1 2/2 True - AGE"]],
      ["sp", "NAME ACCEPTED MODE GROUPS AGE", ["NAME True Competitive 1 AGE"]],
      ["lc", "NAME ACCEPTED REVISION GROUPS AGE", ["NAME True HASH 1 AGE"]],
      ["lb", "NAME ROLE REGION SLOTS LAUNCHED REASON AGE", undefined],
      ["sn", "NAME ROLE PHASE ADDRESS REGION MACHINE AGE", undefined],
    ] as const)("shows get %s as a table", async (shortName, heading, rows) => {
      const [head, ...body] = linesOf(await run("get", shortName));
      expect(columnsOf(head!)).toBe(heading);
      expect(body.length).toBeGreaterThan(0);
      if (rows !== undefined) expect(body.map(withoutParticulars(shortName))).toEqual(rows);
      for (const row of body) expect(columnsOf(row).split(" ")).toHaveLength(heading.split(" ").length);
    });

    it("shows nodes with role, phase, address and machine", async () => {
      const rows = linesOf(await run("get", "sn", "--no-headers"));
      expect(rows).toHaveLength(3);
      for (const row of rows)
        expect(columnsOf(row)).toMatch(/^live-(edge|origin)-\d (edge|origin) InService 198\.\S+ \S+ sim-\S+ \d+\w+$/);
    });

    it("shows several kinds, and all of them as a category", async () => {
      const all = linesOf(await run("get", "ng,sp,lc,sn,lb", "-o", "name"));
      expect(all).toEqual(
        expect.arrayContaining(["nodegroup.streamfleet.dev/live", "streamnode.streamfleet.dev/live-edge-0"]),
      );
      expect(linesOf(await run("get", "streamfleet", "-o", "name")).toSorted()).toEqual(all.toSorted());
      expect(await run("get", "streamfleet")).toMatch(/nodegroup\.streamfleet\.dev\/live\s+1\/1\s+2\/2\s+True/);
    });

    it("shows more with -o wide", async () => {
      expect(columnsOf(linesOf(await run("get", "ng", "-o", "wide"))[0]!)).toBe(
        "NAME ORIGINS EDGES READY LOAD AGE RELAYS TRANSCODERS POLICY CONFIG PAUSE REASON",
      );
    });

    it("tells the story of a group with describe", async () => {
      const described = await run("describe", "ng", "live");
      for (const part of [/Type:\s+MinimumMet/, /Type:\s+ReferencesResolved/, /Events:/, /ScaledOut/]) {
        expect(described).toMatch(part);
      }
    });

    it("explains a field", async () => {
      const explained = await run("explain", "nodegroup.spec.regions");
      expect(explained).toMatch(/FIELD: regions <\[\]string>/);
      expect(explained).toMatch(/Regions of the cloud that hold the group's nodes/);
    });

    it("refuses an invalid manifest and names the field", async () => {
      const manifest = scalePolicyManifest({ roles: [edgeLimits({ minLimit: 5, maxLimit: 4 })] }, "wrong");
      const refused = await kubectl.run(["apply", "-f", "-"], { input: JSON.stringify(manifest) });
      expect(refused.code).toBe(1);
      expect(refused.stderr).toMatch(/spec\.roles\[0\]\.minLimit: .*minLimit must not exceed maxLimit/);
    });

    describe("a group of one's own", () => {
      const name = `own-${version.replace(".", "-")}`;
      let file: string;
      let editor: string;

      beforeAll(async () => {
        file = join(processes.folder, `${name}.yaml`);
        editor = join(processes.folder, `${name}-editor.sh`);
        await writeFile(file, manifestsOf(name, 1));
        await writeFile(editor, `#!/bin/sh\nsed -i.bak 's/stabilizationSeconds: 300/stabilizationSeconds: 60/' "$1"\n`);
        await chmod(editor, 0o755);
      });

      it("is created by apply, and ready", async () => {
        expect(await run("apply", "-f", file)).toMatch(new RegExp(`nodegroup.streamfleet.dev/${name} created`));
        await run("wait", "--for=condition=Ready", `ng/${name}`, "--timeout=60s");
        expect(inService(await ownNodes(kubectl, name))).toEqual([`${name}-origin-0`]);
      });

      it("is unchanged by the same apply, and has no diff", async () => {
        const applied = await run("apply", "-f", file);
        expect(applied).toMatch(new RegExp(`launchconfig.streamfleet.dev/${name} unchanged`));
        expect(applied).toMatch(new RegExp(`nodegroup.streamfleet.dev/${name} unchanged`));
        expect(await kubectl.run(["diff", "-f", file])).toMatchObject({ code: 0, stdout: "" });
      });

      it("is taken back as get -o yaml wrote it", async () => {
        const written = await run("get", `ng/${name}`, `sp/${name}`, "-o", "yaml");
        const applied = await kubectl.must(["apply", "-f", "-"], { input: written });
        expect(applied).toMatch(new RegExp(`nodegroup.streamfleet.dev/${name} (unchanged|configured)`));
      });

      it("shows a change with diff, and takes it with apply", async () => {
        await writeFile(file, manifestsOf(name, 2));
        const diff = await kubectl.run(["diff", "-f", file]);
        expect(diff.code).toBe(1);
        expect(diff.stdout).toMatch(/^-\s+minLimit: 1$/m);
        expect(diff.stdout).toMatch(/^\+\s+minLimit: 2$/m);
        expect(await run("apply", "-f", file)).toMatch(new RegExp(`scalepolicy.streamfleet.dev/${name} configured`));
      });

      it("is watched with get -w while it grows by a patch", async () => {
        const watched = kubectl.start(["get", "ng", name, "-w"]);
        await eventually(() => expect(watched.output()).toMatch(/1\/2|2\/2/));
        const patch = JSON.stringify([{ op: "replace", path: "/spec/roles/0/minLimit", value: 3 }]);
        expect(await run("patch", "sp", name, "--type=json", "-p", patch)).toMatch(/patched/);
        await eventually(() => expect(watched.output()).toMatch(/3\/3/));
        await watched.stop();
      });

      it("is paused and resumed by a merge patch", async () => {
        const pause = JSON.stringify({ spec: { pause: { mode: "Everything", reason: "maintenance" } } });
        expect(await run("patch", "ng", name, "--type=merge", "-p", pause)).toMatch(/patched/);
        await run("wait", "--for=condition=Paused", `ng/${name}`, "--timeout=30s");
        expect(await run("patch", "ng", name, "--type=merge", "-p", `{"spec":{"pause":null}}`)).toMatch(/patched/);
        await run("wait", "--for=condition=Paused=false", `ng/${name}`, "--timeout=30s");
      });

      it("is changed by edit", async () => {
        const edited = await kubectl.must(["edit", "sp", name], { env: { KUBE_EDITOR: editor } });
        expect(edited).toMatch(/edited/);
        expect(await run("get", "sp", name, "-o", "jsonpath={.spec.scaleIn.stabilizationSeconds}")).toBe("60");
      });

      it("goes by delete, with its nodes", async () => {
        expect(await run("delete", "-f", file, "--timeout=60s")).toMatch(
          new RegExp(`nodegroup.streamfleet.dev "${name}" deleted`),
        );
        const left = await run("get", "ng,sp,lc,sn,lb", "-o", "name");
        expect(left).not.toMatch(name);
      });
    });
  });

  describe("to its own commands, which find it by KUBECONFIG alone", () => {
    const typed = async (...args: readonly string[]): Promise<string> => {
      const child = startProduct(processes, args.join(" "), { args, env: { KUBECONFIG: kubeconfig } });
      await expectSuccess(child);
      return child.output();
    };

    it("shows its status", async () => {
      expect(await typed("status")).toMatch(
        /^GROUP +ORIGINS +EDGES +LOAD +STATE\ndefault\/live +1\/1 +2\/2 +\S+ +ready\n/,
      );
    });

    it.each([
      ["nodes", /live-edge-0 +edge +eu-west-1 +sim-/],
      ["alarms", /edge-scale-in +edge +eu-west-1 +INSUFFICIENT_DATA +OK/],
      ["load", /Z +edge +eu-west-1 +\d+ +0 +0/],
    ])("shows the history of %s", async (kind, row) => {
      expect(await typed("history", kind, "live")).toMatch(row);
      expect(JSON.parse(await typed("history", kind, "live", "--json"))).not.toHaveLength(0);
    });

    it("explains a group, also one that is deleted", async () => {
      expect(await typed("explain", "nodegroup", "live")).toContain("LaunchNodes BelowMinimum");
      const gone = await typed("explain", "nodegroup", "own-1-34", "--last", "100");
      expect(gone).toContain("LaunchNodes BelowMinimum");
      expect(gone).toContain("NodeGroup own-1-34 is deleted; this is what is kept of it");
      expect(await typed("history", "nodes", "own-1-34")).toContain("own-1-34-origin-0");
    });
  });

  it("knows nobody by a key that was taken away, within a minute, and its nodes go on", async () => {
    const kubectl = kubectlOf("1.34", kubeconfig, processes.folder);
    const clock = systemClock();
    const kube = new KubeClient({ config: await loadKubeConfig(kubeconfig), clock });
    const token = await operatorToken(kube, { namespace: "streamfleet-system", clock });
    const { apiUrl } = readEndpoints(join(processes.folder, "data", "endpoints.json"))!;
    const asked = async (): Promise<number> => {
      const headers = { Authorization: `Bearer ${token}` };
      return (await fetch(`${apiUrl}/v1/nodegroups/default/live/activities`, { headers })).status;
    };
    expect(await asked()).toBe(200);
    const current = randomBytes(32).toString("base64");
    const patch = JSON.stringify({ data: { current, previous: null } });
    const secret = ["secret/streamfleet-node-keys", "-n", "streamfleet-system"];
    await kubectl.must(["patch", ...secret, "--type", "merge", "-p", patch]);
    await eventually(async () => expect(await asked()).toBe(401), { withinMs: 70_000, everyMs: 1_000 });
    await eventually(async () => {
      const names = inService(await streamNodes(kubectl, "default"));
      expect(names).toEqual(expect.arrayContaining(["live-edge-0", "live-edge-1", "live-origin-0"]));
    });
    kube.close();
  });

  it("ends with 0 on Ctrl-C, soon", async () => {
    expect(await up.kill("SIGINT")).toEqual({ kind: "Exited", code: 0 });
  }, 20_000);
});

/** A group of origins alone, with what it refers to. */
function manifestsOf(name: string, minLimit: number): string {
  const objects: readonly KubernetesObject[] = [
    launchConfigManifest({ roles: [edgeLaunch({ role: "origin" })] }, name),
    scalePolicyManifest({ roles: [edgeLimits({ role: "origin", minLimit })] }, name),
    nodeGroupManifest({ launchConfigRef: { name }, scalePolicyRef: { name } }, name),
  ];
  return objects.map((object) => stringify(object)).join("---\n");
}

async function ownNodes(kubectl: Kubectl, name: string) {
  const nodes = await streamNodes(kubectl, "default");
  return nodes.filter((node) => node.name.startsWith(`${name}-`));
}

function linesOf(output: string): readonly string[] {
  return output.split("\n").filter((line) => line !== "");
}

/** A row of a table with one space between its columns. */
function columnsOf(row: string): string {
  return row
    .trim()
    .split(/\s{2,}/)
    .join(" ");
}

/** Names that the example is free to choose, hashes and ages differ from run to run. */
function withoutParticulars(shortName: "ng" | "sp" | "lc" | "lb" | "sn"): (row: string) => string {
  return (row) => {
    const columns = columnsOf(row).split(" ").with(-1, "AGE");
    if (shortName === "ng") return columns.join(" ");
    if (shortName === "lc") return columns.with(0, "NAME").with(2, "HASH").join(" ");
    return columns.with(0, "NAME").join(" ");
  };
}
