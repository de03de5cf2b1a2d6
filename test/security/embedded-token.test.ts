/** Another user of this machine at the port of the embedded API. */
import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import { request } from "node:https";
import { json } from "node:stream/consumers";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { type KubeAccess, kubeAccess } from "../../local/kube/access.ts";
import { startKubeServer, type KubeServer } from "../../local/kube/http-server.ts";
import { foreignIn, kubeconfig, writeKubeconfig } from "../../local/kube/kubeconfig.ts";
import { KubeClient, parseKubeConfig } from "../../runtime/kube-client.ts";
import { systemClock } from "../../runtime/clock.ts";
import { widgetApi } from "../support/embedded-api.ts";
import { ScratchDirectory } from "../support/scratch-directory.ts";

const secrets = "/api/v1/namespaces/default/secrets";

let access: KubeAccess;
let server: KubeServer;
let scratch: ScratchDirectory;
beforeEach(async () => {
  scratch = new ScratchDirectory();
  access = await openAccess();
  server = await startKubeServer({ api: widgetApi({ namespaces: ["default"] }), port: 0, access });
});
afterEach(async () => {
  await server.close();
  scratch.remove();
});

describe("the embedded API of `up`", () => {
  it.each([
    ["no token", () => ({})],
    ["another token", () => ({ Authorization: "Bearer another" })],
    ["the beginning of the token", () => ({ Authorization: `Bearer ${access.token.slice(0, -1)}` })],
    ["the token as a password", () => ({ Authorization: `Basic ${access.token}` })],
  ])("answers nothing but its health to who has %s", async (_name, headersOf) => {
    const headers = headersOf();
    for (const path of [secrets, "/api", "/openapi/v3", "/apis/streamfleet.dev/v1alpha1/nodegroups"]) {
      const { status, body } = await get(path, headers);
      expect(status).toBe(401);
      expect(body).toMatchObject({ kind: "Status", code: 401, reason: "Unauthorized" });
    }
    expect((await get("/readyz", headers)).status).toBe(200);
  });

  it("answers the client that has its kubeconfig", async () => {
    const client = new KubeClient({
      config: await parseKubeConfig(kubeconfig(server.url, access)),
      clock: systemClock(),
    });
    const type = { group: "", version: "v1", kind: "Secret", plural: "secrets", namespaced: true };
    expect((await client.list(type, { namespace: "default" })).items).toEqual([]);
  });

  it("keeps its token and its certificate for copies of the kubeconfig, for its owner alone", async () => {
    expect(statSync(join(scratch.path, "access")).mode & 0o777).toBe(0o600);
    expect(await openAccess()).toEqual(access);
    const path = join(scratch.path, "kubeconfig");
    writeKubeconfig(path, server.url, access);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(foreignIn(kubeconfig(server.url, access))).toBeUndefined();
  });
});

function openAccess(): Promise<KubeAccess> {
  return kubeAccess(join(scratch.path, "access"), { now: new Date(), random: randomBytes });
}

function get(path: string, headers: Readonly<Record<string, string>>): Promise<{ status?: number; body: unknown }> {
  return new Promise((resolve, reject) => {
    const sent = request(server.url + path, { headers, ca: access.certificate }, (response) => {
      const { statusCode: status = 0 } = response;
      if (path === "/readyz") response.resume().once("end", () => resolve({ status, body: undefined }));
      else json(response).then((body) => resolve({ status, body }), reject);
    });
    sent.once("error", reject).end();
  });
}
