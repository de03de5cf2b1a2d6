/** A worker: makes a PostgreSQL cluster in a folder, which takes seconds during which its thread does nothing else. */
import { workerData } from "node:worker_threads";
import { PGlite } from "@electric-sql/pglite";

const server = await PGlite.create({ dataDir: String(workerData) });
await server.close();
