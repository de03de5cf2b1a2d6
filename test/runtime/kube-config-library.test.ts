import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "@jest/globals";
import { kubeConfigClass } from "../../runtime/kube-config-library.ts";

/** In a process of its own: the test runner loads modules in its own way. */
async function evaluated(script: string): Promise<unknown> {
  const library = new URL("../../runtime/kube-config-library.ts", import.meta.url).href;
  const code = `import { kubeConfigClass } from ${JSON.stringify(library)};\n${script}`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", code], {
    cwd: new URL("../..", import.meta.url),
  });
  return JSON.parse(stdout);
}

const user = (credentials: object): string => `
  const config = new (await kubeConfigClass())();
  config.loadFromClusterAndUser(
    { name: "c", server: "https://one:6443", caData: "${Buffer.from("authority").toString("base64")}" },
    { name: "u", ...${JSON.stringify(credentials)} },
  );
  const options = {};
  await config.applyToHTTPSOptions(options);
  console.log(JSON.stringify({
    authorization: options.headers?.Authorization,
    ca: options.ca?.toString(), cert: options.cert?.toString(), key: options.key?.toString(),
  }));`;

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const credential = { apiVersion: "client.authentication.k8s.io/v1", kind: "ExecCredential", status: { token: "made" } };
const plugin = {
  apiVersion: credential.apiVersion,
  command: process.execPath,
  args: ["-e", `console.log(${JSON.stringify(JSON.stringify(credential))})`],
};

describe("the library's KubeConfig, alone", () => {
  it.each([
    ["a token", { token: "secret" }, { authorization: "Bearer secret" }],
    ["a certificate", { certData: base64("cert"), keyData: base64("key") }, { cert: "cert", key: "key" }],
    ["a plugin", { exec: plugin }, { authorization: "Bearer made" }],
  ])("gives the credentials of %s", async (_name, credentials, expected) => {
    expect(await evaluated(user(credentials))).toEqual({ ca: "authority", ...expected });
  });

  it("leaves the generated models out, and the whole library to those who ask for it before", async () => {
    const script = (first: string): string => `
      ${first}
      const config = new (await kubeConfigClass())();
      config.loadFromClusterAndUser({ name: "c", server: "https://one:6443" }, { name: "u" });
      let whole = true;
      try { config.makeApiClient(class { constructor(configuration) { this.configuration = configuration; } }); }
      catch { whole = false; }
      console.log(JSON.stringify({ whole }));`;
    expect(await evaluated(script(""))).toEqual({ whole: false });
    expect(await evaluated(script(`await import("@kubernetes/client-node");`))).toEqual({ whole: true });
  });

  it("is loaded whole where modules cannot be left out", async () => {
    expect(new (await kubeConfigClass())().getClusters()).toEqual([]);
  });
});
