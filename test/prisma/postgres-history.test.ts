import { describe, it } from "@jest/globals";
import { connectPostgres } from "../../prisma/postgres-database.ts";
import { describeHistory } from "../conformance/history.ts";
import { describeInstallations } from "../conformance/installations.ts";
import { createScratchDatabase, testServerUrl } from "../support/postgres.ts";

if (testServerUrl === undefined) {
  describe("history", () => {
    it.skip("holds on PostgreSQL: needs TEST_DATABASE_URL", () => undefined);
  });
} else {
  const serverUrl = testServerUrl;
  describeHistory(async () => {
    const scratch = await createScratchDatabase(serverUrl);
    const [database, other] = [
      connectPostgres({ clusterId: "test", url: scratch.url }),
      connectPostgres({ clusterId: "test", url: scratch.url }),
    ];
    await Promise.all([database.migrate("Tolerate"), other.migrate("Tolerate")]);
    return {
      history: database.history,
      other: other.history,
      close: async () => {
        await Promise.all([database.close(), other.close()]);
        await scratch.drop();
      },
    };
  });
  describeInstallations(async () => {
    const scratch = await createScratchDatabase(serverUrl);
    const [one, other] = ["one", "another"].map((clusterId) => connectPostgres({ clusterId, url: scratch.url }));
    if (one === undefined || other === undefined) throw new Error("two are opened");
    await one.migrate("Tolerate");
    return {
      one: one.history,
      other: other.history,
      close: async () => {
        await Promise.all([one.close(), other.close()]);
        await scratch.drop();
      },
    };
  });
}
