/** `streamfleet migrate`: brings a database to the schema of this version. */
import { connectPostgres } from "../prisma/postgres-database.ts";
import { loadConfig, processEnvironment } from "../runtime/config.ts";

export async function migrate(): Promise<void> {
  const config = loadConfig(processEnvironment(), "migrate");
  const database = connectPostgres({ url: config.databaseUrl, clusterId: config.clusterId });
  try {
    const applied = await database.migrate("Refuse");
    console.log(applied.length === 0 ? "the database is up to date" : `applied ${applied.join(", ")}`);
  } finally {
    await database.close();
  }
}
