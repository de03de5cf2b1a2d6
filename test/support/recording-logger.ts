/** A logger whose lines a test can read. */
import type { LogFields, Logger } from "../../runtime/logger.ts";

export interface LogLine {
  readonly level: "debug" | "info" | "error";
  readonly message: string;
  readonly fields: LogFields;
}

export class RecordingLogger implements Logger {
  readonly lines: LogLine[];
  readonly #fields: LogFields;

  constructor(fields: LogFields = {}, lines: LogLine[] = []) {
    this.#fields = fields;
    this.lines = lines;
  }

  debug(message: string, fields: LogFields = {}): void {
    this.#push("debug", message, fields);
  }

  info(message: string, fields: LogFields = {}): void {
    this.#push("info", message, fields);
  }

  error(message: string, fields: LogFields = {}): void {
    this.#push("error", message, fields);
  }

  child(fields: LogFields): Logger {
    return new RecordingLogger({ ...this.#fields, ...fields }, this.lines);
  }

  #push(level: LogLine["level"], message: string, fields: LogFields): void {
    this.lines.push({ level, message, fields: { ...this.#fields, ...fields } });
  }
}
