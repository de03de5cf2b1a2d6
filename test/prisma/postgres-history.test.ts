import { describe, it } from "@jest/globals";
import { connectPostgres } from "../../prisma/postgres-database.ts";
import { describeHistory } from "../conformance/history.ts";
import { createScratchDatabase, testServerUrl } from "../support/postgres.ts";

if (testServerUrl === undefined) {
  describe("history", () => {
    it.skip("holds on PostgreSQL: needs TEST_DATABASE_URL", () => undefined);
  });
} else {
  const serverUrl = testServerUrl;
  describeHistory(async () => {
    const scratch = await createScratchDatabase(serverUrl);
    const [database, other] = [connectPostgres({ url: scratch.url }), connectPostgres({ url: scratch.url })];
    await Promise.all([database.migrate(), other.migrate()]);
    return {
      history: database.history,
      other: other.history,
      close: async () => {
        await Promise.all([database.close(), other.close()]);
        await scratch.drop();
      },
    };
  });
}
