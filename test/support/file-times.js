/** A reporter that tells which test files took longest, and notes all of them in the file that `TEST_FILE_TIMES` names, if it does. */
import { appendFileSync } from "node:fs";
import { relative } from "node:path";

const shown = 10;

export default class FileTimes {
  #rootDir;

  constructor({ rootDir }) {
    this.#rootDir = rootDir;
  }

  onRunComplete(_contexts, { testResults }) {
    const files = testResults
      .filter(({ perfStats }) => perfStats.end > 0)
      .map(({ testFilePath, perfStats }) => ({
        path: relative(this.#rootDir, testFilePath),
        seconds: (perfStats.end - perfStats.start) / 1_000,
      }))
      .sort((a, b) => b.seconds - a.seconds);
    const lines = files.map(({ path, seconds }) => `${seconds.toFixed(1).padStart(7)} s  ${path}`);
    const notes = process.env.TEST_FILE_TIMES;
    if (notes !== undefined) appendFileSync(notes, lines.map((line) => `${line}\n`).join(""));
    if (files.length > shown) process.stderr.write(`\nSlowest files:\n${lines.slice(0, shown).join("\n")}\n`);
  }
}
