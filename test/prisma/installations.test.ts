import { PGlite } from "@electric-sql/pglite";
import { PrismaPGlite } from "pglite-prisma-adapter";
import { PrismaClient } from "../../prisma/generated/client.ts";
import { migrate } from "../../prisma/migration-runner.ts";
import { prismaHistory } from "../../prisma/prisma-history.ts";
import { describeInstallations } from "../conformance/installations.ts";

describeInstallations(async () => {
  const server = await PGlite.create();
  const query = (sql: string, parameters?: unknown[]) => server.query(sql, parameters);
  await migrate({ query, exec: (sql) => server.exec(sql) }, { clusterId: "one", newer: "Tolerate" });
  const client = new PrismaClient({ adapter: new PrismaPGlite(server) });
  return {
    one: prismaHistory(client, { clusterId: "one" }),
    other: prismaHistory(client, { clusterId: "another" }),
    close: async () => {
      await client.$disconnect();
      await server.close();
    },
  };
});
