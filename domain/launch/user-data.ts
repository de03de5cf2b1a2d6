/** What a machine finds at boot: the operator's settings as an environment file, then the script of the LaunchConfig. */

export interface NodeSettings {
  /** Base URL of the node API. */
  readonly apiUrl: string;
  readonly platform: string;
  /** Proves that the machine was launched by us, for its group and batch. */
  readonly joinToken: string;
  readonly properties: Readonly<Record<string, string>>;
}

const marker = "STREAMFLEET_SETTINGS";

/** The same settings and script always give the same text: it is part of an idempotent launch call. */
export function renderUserData(settings: NodeSettings, script: string): string {
  const properties = Object.fromEntries(Object.entries(settings.properties).sort(([a], [b]) => (a < b ? -1 : 1)));
  return [
    "#!/bin/sh",
    `umask 077; cat > /etc/streamfleet.env <<'${marker}'`,
    `STREAMFLEET_API_URL=${quoted(settings.apiUrl.replaceAll("'", "%27"))}`,
    `STREAMFLEET_PLATFORM=${quoted(settings.platform)}`,
    `STREAMFLEET_JOIN_TOKEN=${quoted(settings.joinToken)}`,
    `STREAMFLEET_PROPERTIES=${quoted(JSON.stringify(properties).replaceAll("'", "\\u0027"))}`,
    marker,
    script,
  ].join("\n");
}

/**
 * As a shell and as systemd (`EnvironmentFile=`) read it: nothing in a value is run, or is more than a value. The two
 * agree on single quotes, but not on how one stands inside them: so none does, in JSON and in a URL it has another form.
 */
function quoted(value: string): string {
  return /^[\w.:/@%+,=-]*$/.test(value) ? value : `'${value}'`;
}

function unquoted(text: string): string {
  return text.startsWith("'") ? text.slice(1, -1) : text;
}

/** The lines `NAME=value` of a rendered text, without the script around them: safe to source. */
export function settingsLines(text: string): readonly string[] {
  const lines = text.split("\n");
  const begin = lines.findIndex((line) => line.endsWith(`<<'${marker}'`));
  return begin < 0 ? [] : lines.slice(begin + 1, lines.indexOf(marker, begin));
}

/** The settings in a rendered text, as a node reads them; undefined where there are none. */
export function parseUserData(text: string): NodeSettings | undefined {
  const line = (name: string): string | undefined => {
    const found = text.split("\n").find((entry) => entry.startsWith(`${name}=`));
    return found === undefined ? undefined : unquoted(found.slice(name.length + 1));
  };
  const apiUrl = line("STREAMFLEET_API_URL");
  const platform = line("STREAMFLEET_PLATFORM");
  const joinToken = line("STREAMFLEET_JOIN_TOKEN");
  if (apiUrl === undefined || platform === undefined || joinToken === undefined) return undefined;
  const properties = JSON.parse(line("STREAMFLEET_PROPERTIES") ?? "{}") as Readonly<Record<string, string>>;
  return { apiUrl, platform, joinToken, properties };
}
