import { describe, expect, it } from "@jest/globals";
import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { type NodeSettings, parseUserData, renderUserData, settingsLines } from "../../../domain/launch/user-data.ts";

const settings: NodeSettings = {
  apiUrl: "https://streamfleet.example:8443/base",
  platform: "simulated",
  joinToken: "k1.abc-_def.0",
  properties: { bitrate: "high" },
};

/** Text that tries to break out: lines, the marker of the file, our own names, quotes and what a shell would run. */
const hostileText = fc
  .array(
    fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom(
        "\n",
        "\r\n",
        "\u2028",
        "\0",
        "STREAMFLEET_SETTINGS\n",
        "\nSTREAMFLEET_JOIN_TOKEN=stolen",
        "\nSTREAMFLEET_API_URL=http://elsewhere",
        "'; $(touch /tmp/x) `id` \\",
      ),
    ),
  )
  .map((parts) => parts.join(""));
const anyProperties = fc.dictionary(fc.oneof(hostileText, fc.constant("__proto__")), hostileText, { maxKeys: 5 });

describe("user data", () => {
  it("writes the settings into a file that only root reads, and then runs the script", () => {
    expect(renderUserData(settings, "echo ready").split("\n")).toEqual([
      "#!/bin/sh",
      "umask 077; cat > /etc/streamfleet.env <<'STREAMFLEET_SETTINGS'",
      "STREAMFLEET_API_URL=https://streamfleet.example:8443/base",
      "STREAMFLEET_PLATFORM=simulated",
      "STREAMFLEET_JOIN_TOKEN=k1.abc-_def.0",
      `STREAMFLEET_PROPERTIES='{"bitrate":"high"}'`,
      "STREAMFLEET_SETTINGS",
      "echo ready",
    ]);
  });

  it("has settings that a shell can source without the script around them", () => {
    const lines = settingsLines(renderUserData(settings, "exit 7\nSTREAMFLEET_PLATFORM=other"));
    const said = execFileSync("sh", [
      "-c",
      `${lines.join("\n")}\nprintf '%s %s' "$STREAMFLEET_PLATFORM" "$STREAMFLEET_PROPERTIES"`,
    ]);
    expect(said.toString()).toBe('simulated {"bitrate":"high"}');
    expect(settingsLines("#!/bin/sh\necho none")).toEqual([]);
  });

  it("is read again as it was given, whatever the properties and the script are", () => {
    fc.assert(
      fc.property(anyProperties, hostileText, (properties, script) => {
        const read = parseUserData(renderUserData({ ...settings, properties }, script));
        expect(read).toEqual({ ...settings, properties: JSON.parse(JSON.stringify(properties)) as unknown });
      }),
    );
  });

  it("has no line of a property's making", () => {
    fc.assert(
      fc.property(anyProperties, (properties) => {
        const lines = renderUserData({ ...settings, properties }, "").split(/[\n\r]/);
        expect(lines).toHaveLength(8);
        expect(lines.map((line) => line.split("=")[0])).toEqual(
          renderUserData(settings, "")
            .split("\n")
            .map((line) => line.split("=")[0]),
        );
      }),
    );
  });

  it("is the same for the same settings, in whatever order they are given: a repeated launch is the same call", () => {
    fc.assert(
      fc.property(anyProperties, (properties) => {
        const turned = Object.fromEntries(Object.entries(properties).reverse());
        expect(renderUserData({ ...settings, properties: turned }, "x")).toBe(
          renderUserData({ ...settings, properties }, "x"),
        );
      }),
    );
  });

  it("gives a shell the settings to the letter, and runs nothing of them", () => {
    const properties = { "a\nSTREAMFLEET_SETTINGS\nexit 7": "'\"$(exit 8)`exit 9`\\\nSTREAMFLEET_SETTINGS\nexit 10" };
    const text = renderUserData({ ...settings, properties }, "echo done").replace("> /etc/streamfleet.env", "");
    const lines = execFileSync("/bin/sh", ["-c", text], { encoding: "utf8" }).trimEnd().split("\n");
    expect(lines).toHaveLength(5);
    expect(lines.at(-1)).toBe("done");
    expect(parseUserData(lines.join("\n"))).toEqual({ ...settings, properties });
  });

  it.each(["", "#!/bin/sh\necho hello", "STREAMFLEET_API_URL=x\nSTREAMFLEET_PLATFORM=y"])(
    "of another kind (%j) has no settings",
    (text) => {
      expect(parseUserData(text)).toBeUndefined();
    },
  );

  it("may come without properties", () => {
    const text = "STREAMFLEET_API_URL=u\nSTREAMFLEET_PLATFORM=p\nSTREAMFLEET_JOIN_TOKEN=t";
    expect(parseUserData(text)).toEqual({ apiUrl: "u", platform: "p", joinToken: "t", properties: {} });
  });
});
