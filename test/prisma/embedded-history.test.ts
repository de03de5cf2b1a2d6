import { join } from "node:path";
import { openEmbeddedDatabase } from "../../prisma/embedded-database.ts";
import { describeHistory } from "../conformance/history.ts";
import { ScratchDirectory } from "../support/scratch-directory.ts";

describeHistory(async () => {
  const scratch = new ScratchDirectory();
  const database = await openEmbeddedDatabase(join(scratch.path, "db"), "test");
  return {
    history: database.history,
    close: async () => {
      await database.close();
      scratch.remove();
    },
  };
});
