/** Characters that a terminal obeys, that turn a text around, or that end it: they are refused where they come in. */
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { csvTrace, TraceError } from "../../local/simulation/trace.ts";
import { namespace, NodeApiWorld, registration } from "../support/node-api.ts";

let world: NodeApiWorld;
beforeEach(async () => {
  world = await NodeApiWorld.open();
  await world.addNode();
});
afterEach(() => world.close());

const hostile: readonly (readonly [string, string])[] = [
  ["that clear a terminal", "boot\u001b[2J"],
  ["of a C1 control", "boot\u009b2J"],
  ["that start a line", "boot\nforged line"],
  ["that turn the text around", "boot\u202e1"],
  ["that are not seen", "boot\u200b"],
  ["that are a tag", "boot\u{e0041}"],
];

describe("identifiers of a node with characters", () => {
  it.each(hostile)("%s are refused at the registration", async (_name, bad) => {
    for (const field of ["bootId", "machineId", "version"]) {
      const answer = await world.register({ ...registration, [field]: bad });
      expect(answer).toMatchObject({ status: 400, body: { code: "InvalidBody", errors: [{ field }] } });
    }
  });

  it.each(hostile)("%s are refused in a report and a goodbye", async (_name, bootId) => {
    const token = await world.registered();
    expect((await world.report(token, { bootId })).status).toBe(400);
    expect((await world.goodbye(token, { bootId })).status).toBe(400);
  });
});

describe("NUL in a URL", () => {
  it.each([
    `/v1/nodegroups/${namespace}/live/activities?until=%00`,
    `/v1/nodegroups/${namespace}/li%00ve/activities`,
    "/v1/streams/live/%00/subscribe?group=live",
    "/v1/streams/live/one/subscribe?group=%00",
    "/healthz?%00",
  ])("is answered by 400: %s", async (path) => {
    expect(await world.get(path)).toMatchObject({ status: 400, body: { code: "BadRequest" } });
  });
});

describe("a trace file", () => {
  it("with a control character is refused, and the message shows none", () => {
    const read = () => csvTrace("seconds,viewers\n0,1\n\u001b[2J,5\n", { file: "a.csv", publishers: 1 });
    expect(read).toThrow(TraceError);
    expect(read).toThrow(/^a\.csv:3: has a control character; [ -~]*$/);
  });
});
