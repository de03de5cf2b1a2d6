import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { kubeAccess } from "../../local/kube/access.ts";
import { startKubeServer, type KubeServer } from "../../local/kube/http-server.ts";
import { writeKubeconfig } from "../../local/kube/kubeconfig.ts";
import { systemClock } from "../../runtime/clock.ts";
import { widgetApi } from "../support/embedded-api.ts";
import { eventually } from "../support/eventually.ts";
import { ScratchDirectory } from "../support/scratch-directory.ts";
import { widgetCrd, widgetType } from "../support/widget-crd.ts";
import { kubectlOf, kubectlVersions } from "./environment.ts";
import type { Kubectl } from "./kubectl.ts";

describe.each(kubectlVersions)("kubectl %s on the embedded API", (version) => {
  const api = widgetApi({ clock: systemClock() });
  let server: KubeServer;
  let folder: ScratchDirectory;
  let kubectl: Kubectl;
  beforeAll(async () => {
    folder = new ScratchDirectory();
    const access = await kubeAccess(join(folder.path, "access"), { now: new Date(), random: randomBytes });
    server = await startKubeServer({ api, port: 0, access });
    const kubeconfig = join(folder.path, "kubeconfig");
    writeKubeconfig(kubeconfig, server.url, access);
    kubectl = kubectlOf(version, kubeconfig, folder.path);
  });
  afterAll(async () => {
    await server.close();
    api.close();
    folder.remove();
  });

  const widget = (name: string, spec: object): { readonly input: string } => ({
    input: JSON.stringify({ apiVersion: "conformance.streamfleet.dev/v1", kind: "Widget", metadata: { name }, spec }),
  });
  const apply = (name: string, size: number): Promise<string> =>
    kubectl.must(["apply", "-f", "-"], widget(name, { size, platform: "aws" }));
  const must = (...args: readonly string[]): Promise<string> => kubectl.must(args);

  it("applies what is new, changed and the same", async () => {
    expect(await apply("live", 2)).toContain("widget.conformance.streamfleet.dev/live created");
    expect(await apply("live", 3)).toContain("configured");
    expect(await apply("live", 3)).toContain("unchanged");
  });

  it("shows tables", async () => {
    expect(await must("get", "wd")).toMatch(/^NAME +SIZE +READY +PAUSED +AGE\nlive +3 +\d+s\n$/);
    expect(await must("get", "wd", "-A", "-o", "wide")).toMatch(/^NAMESPACE +NAME +SIZE +READY +ROLES +PAUSED +AGE\n/);
    expect(await must("get", "conformance", "-o", "name")).toBe("widget.conformance.streamfleet.dev/live\n");
    expect(await must("get", "wd", "live", "-o", "yaml")).toContain("\n  size: 3\n");
  });

  it("compares, edits and patches", async () => {
    const different = await kubectl.run(["diff", "-f", "-"], widget("live", { size: 4, platform: "aws" }));
    expect(different.code).toBe(1);
    expect(different.stdout).toMatch(/-  size: 3\n\+  size: 4/);
    const env = { KUBE_EDITOR: "sed -i s/size:.3/size:\\ 5/" };
    expect(await kubectl.must(["edit", "wd", "live"], { env })).toContain("edited");
    await must("patch", "wd", "live", "--type=merge", "-p", '{"spec":{"limit":9}}');
    await must("patch", "wd", "live", "--type=json", "-p", '[{"op":"test","path":"/spec/size","value":5}]');
    expect(await must("get", "wd", "live", "-o", "jsonpath={.spec.size}/{.spec.limit}")).toBe("5/9");
  });

  it("labels, annotates, selects and replaces", async () => {
    await must("label", "wd", "live", "team=red");
    await must("annotate", "wd", "live", "note=x");
    expect(await must("get", "wd", "-l", "team=red", "-o", "name")).toContain("live");
    expect(await must("get", "wd", "-l", "team=blue", "-o", "name")).toBe("");
    expect(await kubectl.must(["replace", "-f", "-"], widget("live", { size: 6, platform: "gce" }))).toContain(
      "replaced",
    );
  });

  it("explains and describes", async () => {
    expect(await must("explain", "widget.spec.size")).toContain("How many.");
    expect(await must("api-resources", "--categories=conformance")).toMatch(
      /widgets +wd +conformance\.streamfleet\.dev\/v1 +true +Widget/,
    );
    const { uid = "" } = (await api.get(widgetType, { namespace: "default", name: "live" })).metadata;
    await kubectl.must(["create", "-f", "-"], { input: JSON.stringify(eventAbout("live", uid)) });
    expect(await must("describe", "wd", "live")).toMatch(/Events:[^]*Normal +Tested[^]*it was tested/);
    expect(await must("events", "--for", "wd/live")).toContain("it was tested");
  });

  it("watches, and waits for conditions and deletions", async () => {
    const watching = kubectl.start(["get", "wd", "-w"]);
    await eventually(() => expect(watching.output()).toContain("live"));
    await must("patch", "wd", "live", "--type=merge", "--subresource=status", "-p", ready);
    await must("wait", "--for=condition=Ready", "--timeout=20s", "wd/live");
    await eventually(() => expect(watching.output()).toMatch(/live +6 +True/));
    await watching.stop();
    await must("patch", "wd", "live", "--type=merge", "-p", '{"metadata":{"finalizers":["a.dev/b"]}}');
    const deleted = must("delete", "wd", "live");
    await eventually(async () => expect(await must("get", "wd", "live", "-o", "yaml")).toContain("deletionTimestamp"));
    await must("patch", "wd", "live", "--type=merge", "-p", '{"metadata":{"finalizers":null}}');
    expect(await deleted).toContain("deleted");
  });

  it("says what the server does not do, and what to do instead", async () => {
    const said = async (args: readonly string[], input = ""): Promise<string> =>
      (await kubectl.run(args, { input })).stderr;
    await apply("sized", 1);
    expect(await said(["scale", "wd", "sized", "--replicas=3"])).toContain('"sized" has no "scale": change its spec');
    expect(await said(["create", "namespace", "x"])).toContain("kubectl apply -f");
    expect(await said(["apply", "-f", "-"], JSON.stringify(widgetCrd))).toContain("no matches for kind");
    const unknown = widget("x", { size: 1, platform: "aws", nope: 1 }).input;
    expect(await said(["apply", "-f", "-"], unknown)).toContain('unknown field "spec.nope"');
  });

  it("takes namespaces and config maps as manifests", async () => {
    const apply = (object: object): Promise<string> =>
      kubectl.must(["apply", "-f", "-"], { input: JSON.stringify(object) });
    await apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: "mine" } });
    const map = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings", namespace: "mine" } };
    await apply({ ...map, data: { a: "b", c: "d" } });
    await apply({ ...map, data: { a: "e" } });
    expect(await must("get", "cm", "settings", "-n", "mine", "-o", "jsonpath={.data}")).toBe('{"a":"e"}');
    await must("delete", "namespace", "mine");
  });
});

const ready = '{"status":{"conditions":[{"type":"Ready","status":"True"}]}}';

function eventAbout(name: string, uid: string): object {
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: `${name}.1`, namespace: "default" },
    involvedObject: { apiVersion: "conformance.streamfleet.dev/v1", kind: "Widget", namespace: "default", name, uid },
    reason: "Tested",
    message: "it was tested",
    type: "Normal",
    source: { component: "test" },
    firstTimestamp: "2026-01-01T00:00:00Z",
    lastTimestamp: "2026-01-01T00:00:00Z",
    count: 1,
  };
}
