/** The log of `streamfleet up`: one file that is appended to, and that may fail for a while. */
import { appendFileSync, constants } from "node:fs";
import type { LogDestination } from "../runtime/logger.ts";
import { messageOf } from "../runtime/thrown.ts";

// Node takes the bits of open(2) as a number too; its types know only the words.
const appending = (constants.O_APPEND |
  constants.O_CREAT |
  constants.O_WRONLY |
  constants.O_NOFOLLOW) as unknown as string;

/**
 * A log that cannot be written (a full disk, say) does not end the product: it is said once, lines are dropped, and the
 * next line that can be written is.
 */
export class LogFile implements LogDestination {
  readonly #path: string;
  readonly #complain: (line: string) => void;
  #failing = false;

  constructor(path: string, complain: (line: string) => void) {
    this.#path = path;
    this.#complain = complain;
  }

  write(line: string): void {
    try {
      appendFileSync(this.#path, line, { mode: 0o600, flag: appending });
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#complain(`cannot write ${this.#path}: ${messageOf(error)}`);
      this.#failing = true;
    }
  }
}
