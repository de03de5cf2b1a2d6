/** A folder that somebody else made: `explain` and `simulate` in it run nothing of his, and tell him nothing. */
import { chmodSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { stringify } from "yaml";
import { readEndpoints } from "../../local/endpoints.ts";
import { kubeconfig as ownKubeconfig, writeKubeconfig } from "../../local/kube/kubeconfig.ts";
import { CommandError, openKube } from "../../cli/operator-access.ts";
import { readOwnFile } from "../../local/own-file.ts";
import { systemClock } from "../../runtime/clock.ts";
import { ScratchDirectory } from "../support/scratch-directory.ts";

let scratch: ScratchDirectory;
let dataDir: string;
let own: string;
beforeEach(() => {
  scratch = new ScratchDirectory();
  dataDir = join(scratch.path, ".streamfleet");
  own = join(dataDir, "kubeconfig");
  mkdirSync(dataDir);
});
afterEach(() => scratch.remove());

const server = "http://127.0.0.1:8081";

/** A kubeconfig as `up` writes it, with something of its own. */
function kubeconfig({ user = {}, cluster = {} }: { readonly user?: object; readonly cluster?: object }): string {
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "streamfleet",
    contexts: [{ name: "streamfleet", context: { cluster: "streamfleet", user: "streamfleet", namespace: "default" } }],
    clusters: [{ name: "streamfleet", cluster: { server, "insecure-skip-tls-verify": true, ...cluster } }],
    users: [{ name: "streamfleet", user }],
  });
}

const open = async (address: Parameters<typeof openKube>[0]): Promise<string> => {
  const kube = await openKube(address, systemClock());
  kube.close();
  return kube.server;
};

describe("the kubeconfig of a folder", () => {
  it("is used where `up` of the caller wrote it", async () => {
    writeKubeconfig(own, server);
    expect(await open({ dataDir })).toBe(server);
  });

  it.each([
    [
      "runs a program",
      kubeconfig({ user: { exec: { apiVersion: "client.authentication.k8s.io/v1", command: "sh" } } }),
    ],
    [
      "names an auth provider",
      kubeconfig({ user: { "auth-provider": { name: "gcp", config: { "cmd-path": "sh" } } } }),
    ],
    ["reads a token from a file", kubeconfig({ user: { tokenFile: "/etc/passwd" } })],
    ["reads a key from a file", kubeconfig({ user: { "client-key": "/etc/ssl/private/key" } })],
    ["is of another machine", kubeconfig({ cluster: { server: "https://evil.example.com" } })],
    [
      "is of a name that begins like this machine",
      kubeconfig({ cluster: { server: "http://127.0.0.1.evil.example.com" } }),
    ],
    ["goes by a proxy", kubeconfig({ cluster: { "proxy-url": "http://evil.example.com" } })],
    ["has something else", `${kubeconfig({})}preferences: {}\n`],
    ["is nothing", ""],
    ["is no YAML", "{"],
  ])("is refused where it %s", async (_what, text) => {
    writeFileSync(own, text);
    await expect(open({ dataDir })).rejects.toThrow(CommandError);
    await expect(open({ dataDir })).rejects.toThrow("name it in KUBECONFIG");
  });

  it("is refused where it is a link, or others can write it", async () => {
    writeKubeconfig(own, server);
    chmodSync(own, 0o666);
    await expect(open({ dataDir })).rejects.toThrow("can be written by others");
    chmodSync(own, 0o600);
    renameSync(own, `${own}.true`);
    symlinkSync(`${own}.true`, own);
    await expect(open({ dataDir })).rejects.toThrow("is a link");
  });

  it("does not come before KUBECONFIG, which does not come before a folder that is named", async () => {
    const explicit = join(scratch.path, "explicit");
    writeFileSync(explicit, ownKubeconfig("http://127.0.0.1:1"));
    writeKubeconfig(own, server);
    const before = process.cwd();
    process.chdir(scratch.path);
    try {
      expect(await open({ kubeconfig: explicit })).toBe("http://127.0.0.1:1");
      expect(await open({ kubeconfig: explicit, dataDir })).toBe(server);
      expect(await open({})).toBe(server);
    } finally {
      process.chdir(before);
    }
  });
});

describe("the endpoints of a folder", () => {
  it("are of this machine, and the caller's own, for they are sent an operator's token", () => {
    const path = join(dataDir, "endpoints.json");
    const write = (apiUrl: string): void =>
      writeFileSync(path, JSON.stringify({ apiUrl, mediaUrl: server }), { mode: 0o600 });
    write(server);
    expect(readEndpoints(path)).toEqual({ apiUrl: server, mediaUrl: server });
    write("http://evil.example.com");
    expect(readEndpoints(path)).toBeUndefined();
    write(server);
    chmodSync(path, 0o646);
    expect(readEndpoints(path)).toBeUndefined();
  });
});

describe("a file of one's own", () => {
  it("is a regular file: what has no end is not read", () => {
    expect(readOwnFile("/dev/zero")).toMatchObject({ kind: "Foreign" });
    expect(readOwnFile(dataDir)).toMatchObject({ kind: "Foreign" });
    expect(readOwnFile(join(dataDir, "none"))).toEqual({ kind: "Missing" });
  });
});
