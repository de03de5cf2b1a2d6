/** For Prisma's own tools, such as `npx prisma studio`: where the schema and its migrations are, and which database is meant. */
import { defineConfig } from "prisma/config";
import { processEnvironment } from "./runtime/config.ts";

// Prisma asks for a default export.
// eslint-disable-next-line no-restricted-syntax
export default defineConfig({
  schema: "prisma/schema.prisma",
  migrations: { path: "prisma/migrations" },
  // Absent: what needs no database, such as `prisma validate` and `prisma generate`, still works.
  datasource: { url: processEnvironment()["DATABASE_URL"] ?? "" },
});
