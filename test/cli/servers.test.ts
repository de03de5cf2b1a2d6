/** The processes themselves, where nothing answers them. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { writeKubeconfig } from "../../local/kube/kubeconfig.ts";
import { type EmbeddedServer, startEmbeddedServer } from "../support/embedded-server.ts";
import { ScratchDirectory } from "../support/scratch-directory.ts";

const bin = join(import.meta.dirname, "../..", "bin", "streamfleet.js");

let scratch: ScratchDirectory;
let kube: EmbeddedServer;
let proxy: Server;
let child: ChildProcess | undefined;

beforeEach(async () => {
  scratch = new ScratchDirectory();
  kube = await startEmbeddedServer();
});
afterEach(async () => {
  child?.kill("SIGKILL");
  proxy.closeAllConnections();
  await new Promise((resolve) => proxy.close(resolve));
  await kube.close();
  scratch.remove();
});

/** A Kubernetes API that never answers requests to these paths; resolves at the first of them, once it listens. */
async function hangingAt(path: RegExp): Promise<{ readonly kubeconfig: string; readonly reached: Promise<unknown> }> {
  const reached = Promise.withResolvers<undefined>();
  proxy = createServer((request, response) => {
    if (path.test(request.url ?? "")) {
      reached.resolve(undefined);
      return;
    }
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "GET", url = "/" } = request;
      const type = request.headers["content-type"] ?? "application/json";
      const body = method === "GET" ? {} : { body: Buffer.concat(chunks), headers: { "content-type": type } };
      fetch(kube.url + url, { method, ...body })
        .then(async (answer) => {
          response.writeHead(answer.status, { "content-type": "application/json" });
          if (answer.body !== null) for await (const chunk of answer.body) response.write(chunk);
          response.end();
        })
        .catch(() => response.destroy());
    });
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const kubeconfig = join(scratch.path, "kubeconfig");
  writeKubeconfig(kubeconfig, `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`);
  return { kubeconfig, reached: reached.promise };
}

async function freePort(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return String(port);
}

/** How the process ended, and how long (ms) after the signal. */
async function stopped(command: "controller" | "api", kubeconfig: string, reached: Promise<unknown>) {
  const env = {
    ...{ PATH: process.env["PATH"], KUBECONFIG: kubeconfig, STREAMFLEET_CLUSTER_ID: "test" },
    // Nobody listens there: a database that is down keeps nothing from stopping.
    ...{
      DATABASE_URL: "postgresql://nobody@127.0.0.1:1/none",
      STREAMFLEET_METRICS_PORT: await freePort(),
      STREAMFLEET_API_PORT: await freePort(),
    },
  };
  child = spawn(process.execPath, [bin, command], { env, stdio: ["ignore", "ignore", "inherit"] });
  const exited = once(child, "exit");
  await reached;
  const since = performance.now();
  child.kill("SIGTERM");
  const [code] = (await exited) as [number | null];
  return { code, ms: performance.now() - since };
}

describe("a process that is told to stop before it is up", () => {
  it.each([
    [
      "controller",
      "looks for our definitions",
      /customresourcedefinitions|\/api\/v1\/namespaces\/streamfleet-system$|openapi/,
    ],
    ["controller", "reads its keys", /\/secrets/],
    ["controller", "lists its objects", /\/nodegroups/],
    ["api", "lists its objects", /\/streamnodes/],
  ] as const)("stops at once: %s, while it %s", async (command, _what, path) => {
    kube.api.resources.create(
      kube.api.kinds.find(({ type }) => type.kind === "Namespace")!,
      "",
      {
        apiVersion: "v1",
        kind: "Namespace",
        metadata: { name: "streamfleet-system" },
      },
    );
    const { kubeconfig, reached } = await hangingAt(path);
    const { code, ms } = await stopped(command, kubeconfig, reached);
    expect(code).toBe(0);
    expect(ms).toBeLessThan(2_000);
  });
});
