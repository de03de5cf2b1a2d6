/** The command line: parses, runs, and ends with the exit code. */
import { CommanderError } from "commander";
import { endWithReader, fail } from "./cli/process.ts";
import { program } from "./cli/program.ts";

/** Runs the command line. Sets the exit code: 0 done, 1 failed, 2 usage. */
export async function run(argv: readonly string[]): Promise<void> {
  process.stdout.on("error", endWithReader);
  try {
    await program().parseAsync([...argv]);
  } catch (error) {
    process.exitCode = error instanceof CommanderError ? (error.exitCode === 0 ? 0 : 2) : fail(error);
  }
}

if (import.meta.main) await run(process.argv);
