/** JSON log lines. The rest of the product knows only this small interface. */
import { pino } from "pino";
import { isError } from "./thrown.ts";

/** From every line to none. */
export const logLevels = ["debug", "info", "error", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

export type LogFields = Readonly<Record<string, unknown>>;

/**
 * Messages are constant, lower case, past tense for acts; variables go into fields. `info`: a change to the world;
 * `error`: needs a person or a retry; `debug`: the rest. An exception goes into the field `error`.
 */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger whose every line carries the fields. */
  child(fields: LogFields): Logger;
}

export interface LogDestination {
  write(line: string): void;
}

/** A logger of JSON lines with RFC 3339 times. What looks like a secret is replaced before it is written. */
export function createLogger(options: { readonly level: LogLevel; readonly destination: LogDestination }): Logger {
  const log = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      messageKey: "message",
      formatters: { level: (level) => ({ level }) },
    },
    options.destination,
  );
  return wrap(log);
}

/** Says nothing. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
};

function wrap(log: pino.Logger): Logger {
  return {
    debug: (message, fields) => {
      if (log.isLevelEnabled("debug")) log.debug(redacted(fields), message);
    },
    info: (message, fields) => log.info(redacted(fields), message),
    error: (message, fields) => log.error(redacted(fields), message),
    child: (fields) => wrap(log.child(redacted(fields))),
  };
}

const secretNames = /token|secret|password|passwd|authorization|credential|cookie|userdata|privatekey|databaseurl/i;
const replacement = "[redacted]";
const deepest = 6;

/** The fields without secrets: by the name of the field, and by the shape of a password in a URL and of our tokens. */
function redacted(fields: LogFields = {}): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, redactedField(name, value, 0)]));
}

function redactedField(name: string, value: unknown, depth: number): unknown {
  if (secretNames.test(name.replaceAll(/[_-]/g, ""))) return replacement;
  return redactedValue(value, depth);
}

function redactedValue(value: unknown, depth: number): unknown {
  if (typeof value === "string") return withoutSecrets(value);
  if (typeof value !== "object" || value === null) return value;
  if (isError(value)) return errorFields(value, depth);
  if (depth >= deepest) return "[too deep]";
  if (Array.isArray(value)) return value.map((item: unknown) => redactedValue(item, depth + 1));
  const entries: [string, unknown][] = Object.entries(value);
  return Object.fromEntries(entries.map(([name, inner]) => [name, redactedField(name, inner, depth + 1)]));
}

/** A word that the cut would go through is left out whole: half of a token would no longer look like one. */
function cut(text: string): string {
  const words = text.slice(0, longestText).split(/(\s)/);
  return words.slice(0, -1).join("");
}

function errorFields(error: Error, depth: number): Record<string, unknown> {
  const cause = error.cause === undefined || depth >= deepest ? {} : { cause: redactedValue(error.cause, depth + 1) };
  return {
    name: error.name,
    message: withoutSecrets(error.message),
    stack: withoutSecrets(error.stack ?? ""),
    ...cause,
  };
}

/** Longest text of a field. What is beyond is cut before secrets are looked for, which takes time with the square of it. */
const longestText = 4_096;

function withoutSecrets(whole: string): string {
  if (whole.length <= longestText) return replaced(whole);
  const kept = cut(whole);
  return `${replaced(kept)}[${whole.length - kept.length} characters more]`;
}

function replaced(text: string): string {
  return text
    .replaceAll(/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):[^\s/]*@/gi, `$1:${replacement}@`)
    .replaceAll(/\bBearer\s+[\w.~+/=-]+/gi, `Bearer ${replacement}`)
    .replaceAll(/\bsf[a-z]\d\.[\w-]+\.[\w-]+\.[\w-]+/g, replacement);
}
