import { describe, expect, it } from "@jest/globals";
import { ConfigError, type Environment, loadConfig } from "../../runtime/config.ts";

const server: Environment = { DATABASE_URL: "postgres://u:p@db/streamfleet", STREAMFLEET_CLUSTER_ID: "prod-1" };

function errors(env: Environment, command: "up" | "controller" | "api" | "migrate" = "up"): readonly string[] {
  try {
    // The overloads tell commands apart that have a database from the one that need not.
    if (command === "up") loadConfig(env, command);
    else loadConfig(env, command);
  } catch (error) {
    if (error instanceof ConfigError) return error.lines;
    throw error;
  }
  return [];
}

describe("configuration", () => {
  it("has a default for everything that `up` needs", () => {
    expect(loadConfig({ PATH: "/bin", HOME: "/" }, "up")).toEqual({
      clusterId: "local",
      namespace: "streamfleet-system",
      apiPort: 8080,
      metricsPort: 9090,
      reportIntervalMs: 5000,
      apiUrl: "http://127.0.0.1:8080",
      feedUrls: ["http://127.0.0.1:8080"],
      trustBatch: false,
      trustedProxies: [],
      historyMaxBytes: 1_000_000_000,
      retentionMs: 30 * 86_400_000,
      logLevel: "info",
    });
  });

  it("reads every setting", () => {
    const env = {
      ...server,
      KUBECONFIG: "/k/one:/k/two",
      STREAMFLEET_NAMESPACE: "media",
      STREAMFLEET_API_PORT: "81",
      STREAMFLEET_METRICS_PORT: "91",
      STREAMFLEET_REPORT_INTERVAL_MS: "1000",
      STREAMFLEET_API_URL: "https://api.example/",
      STREAMFLEET_FEED_URLS: "http://10.0.0.1:8080/, http://10.0.0.2:8080",
      STREAMFLEET_TRUST_BATCH: "true",
      STREAMFLEET_TRUSTED_PROXIES: "10.0.0.0/8, fd00::/8,192.0.2.7",
      STREAMFLEET_SIMULATED_CLOUD_DIR: "/cloud",
      STREAMFLEET_RETENTION_DAYS: "3650",
      STREAMFLEET_HISTORY_MAX_MB: "20",
      STREAMFLEET_LOG_LEVEL: "debug",
    };
    expect(loadConfig(env, "controller")).toEqual({
      databaseUrl: "postgres://u:p@db/streamfleet",
      kubeconfig: "/k/one:/k/two",
      clusterId: "prod-1",
      namespace: "media",
      apiPort: 81,
      metricsPort: 91,
      reportIntervalMs: 1000,
      apiUrl: "https://api.example",
      feedUrls: ["http://10.0.0.1:8080", "http://10.0.0.2:8080"],
      trustBatch: true,
      trustedProxies: ["10.0.0.0/8", "fd00::/8", "192.0.2.7"],
      simulatedCloudDir: "/cloud",
      historyMaxBytes: 20_000_000,
      retentionMs: 315_360_000_000,
      logLevel: "debug",
    });
  });

  it("takes the API's own port for its default address, and empty variables for absent ones", () => {
    const config = loadConfig(
      { STREAMFLEET_API_PORT: "9000", STREAMFLEET_API_URL: "", STREAMFLEET_LOG_LEVEL: " " },
      "up",
    );
    expect(config).toMatchObject({
      apiUrl: "http://127.0.0.1:9000",
      feedUrls: ["http://127.0.0.1:9000"],
      logLevel: "info",
    });
  });

  it.each([
    ["DATABASE_URL", "mysql://db", "write a URL such as postgresql://user:password@host:5432/streamfleet"],
    ["STREAMFLEET_CLUSTER_ID", "Prod", "write 1 to 40 of the characters a-z, 0-9 and -, for example production"],
    [
      "STREAMFLEET_CLUSTER_ID",
      "a".repeat(41),
      "write 1 to 40 of the characters a-z, 0-9 and -, for example production",
    ],
    ["STREAMFLEET_NAMESPACE", "-x", "write the name of a namespace, for example streamfleet-system"],
    ["STREAMFLEET_API_PORT", "0", "write a port from 1 to 65535, for example 8080"],
    ["STREAMFLEET_API_PORT", "65536", "write a port from 1 to 65535, for example 8080"],
    ["STREAMFLEET_METRICS_PORT", "80.5", "write a port from 1 to 65535, for example 9090"],
    ["STREAMFLEET_REPORT_INTERVAL_MS", "999", "write milliseconds from 1000 to 30000, for example 5000"],
    ["STREAMFLEET_REPORT_INTERVAL_MS", "30001", "write milliseconds from 1000 to 30000, for example 5000"],
    ["STREAMFLEET_API_URL", "api:8080", "write a URL such as http://127.0.0.1:8080"],
    [
      "STREAMFLEET_FEED_URLS",
      "http://a,b",
      "write URLs separated by commas, such as http://10.0.0.1:8080,http://10.0.0.2:8080",
    ],
    ...["0.0.0.0/0", "::/0", "10.0.0.0/33", "10.0.0/8", "proxy.example", "10.0.0.0/8/8", ","].map((value) => [
      "STREAMFLEET_TRUSTED_PROXIES",
      value,
      "write the networks of your proxies separated by commas, such as 10.0.0.0/8,fd00::/8; all addresses of a family would let anybody choose his own",
    ]),
    ["STREAMFLEET_TRUST_BATCH", "yes", "write true where the API cannot see from where a node calls, else false"],
    ["STREAMFLEET_RETENTION_DAYS", "0", "write days from 1 to 3650, for example 30"],
    ["STREAMFLEET_RETENTION_DAYS", "3651", "write days from 1 to 3650, for example 30"],
    ["STREAMFLEET_LOG_LEVEL", "verbose", "write one of debug, info, error, silent"],
  ])("refuses %s=%s in one line that says what to write", (name, value, advice) => {
    expect(errors({ [name]: value })).toEqual([`${name} is not valid: ${advice}`]);
  });

  it("names every variable that is wrong", () => {
    expect(errors({ STREAMFLEET_API_PORT: "x", STREAMFLEET_LOG_LEVEL: "x" })).toHaveLength(2);
  });

  it("refuses a variable that it does not know, and suggests the nearest", () => {
    expect(errors({ STREAMFLEET_APIPORT: "1" })).toEqual([
      "STREAMFLEET_APIPORT is not a setting; did you mean STREAMFLEET_API_PORT?",
    ]);
  });

  it.each([
    ["STREAMFLEET_RETENTION_DAY", "did you mean STREAMFLEET_RETENTION_DAYS?"],
    ["STREAMFLEET_DATABASE_URL", "did you mean DATABASE_URL?"],
    ["STREAMFLEET_LOGLEVEL", "did you mean STREAMFLEET_LOG_LEVEL?"],
    ["STREAMFLEET_COLOUR", "the command's --help names them all"],
    ["STREAMFLEET_X", "the command's --help names them all"],
    ["STREAMFLEET_MAX_NODES", "the command's --help names them all"],
  ])("suggests for %s the nearest or none", (name, advice) => {
    expect(errors({ [name]: "1" })).toEqual([`${name} is not a setting; ${advice}`]);
  });

  it.each(["controller", "api"] as const)("wants a database and a cluster id for %s", (command) => {
    expect(errors({}, command).map((line) => line.split(":")[0])).toEqual([
      `DATABASE_URL is needed by ${command}`,
      `STREAMFLEET_CLUSTER_ID is needed by ${command}`,
    ]);
    expect(errors(server, command)).toEqual([]);
  });

  it("wants only a database for migrate", () => {
    expect(errors({}, "migrate")).toHaveLength(1);
    expect(errors({ DATABASE_URL: "postgresql://db/x" }, "migrate")).toEqual([]);
  });

  it("passes over what Kubernetes says of a Service called streamfleet-api", () => {
    const env = {
      STREAMFLEET_API_PORT: "tcp://10.96.0.7:8080",
      STREAMFLEET_API_SERVICE_HOST: "10.96.0.7",
      STREAMFLEET_API_SERVICE_PORT: "8080",
      STREAMFLEET_API_SERVICE_PORT_HTTP: "8080",
      STREAMFLEET_API_PORT_8080_TCP: "tcp://10.96.0.7:8080",
      STREAMFLEET_API_PORT_8080_TCP_ADDR: "10.96.0.7",
      STREAMFLEET_API_PORT_8080_TCP_PORT: "8080",
      STREAMFLEET_API_PORT_8080_TCP_PROTO: "tcp",
    };
    expect(loadConfig(env, "up").apiPort).toBe(8080);
  });

  it("never repeats the password of a database", () => {
    const lines = errors({ DATABASE_URL: "postgres//u:hunter2@db" }, "migrate");
    expect(lines.join()).not.toContain("hunter2");
  });
});
