/** Text that fits a screen: lines are broken between words. */
import wrapAnsi from "wrap-ansi";

/**
 * The lines of a text, none wider than `columns`. The second and later ones begin with as many spaces as `indent` says, but for
 * no more than half of the line. Letters that take two columns count so; a word that alone is too long is broken.
 */
export function wrapped(text: string, columns: number, indent = 0): readonly string[] {
  const leading = /^ */.exec(text)?.[0] ?? "";
  const hanging = Math.min(indent, Math.floor(columns / 2));
  const [first = "", ...more] = broken(text.trimStart(), columns - leading.length);
  if (more.length === 0) return [`${leading}${first}`];
  const rest = broken(text.trimStart().slice(first.length).trimStart(), columns - hanging);
  return [`${leading}${first}`, ...rest.map((line) => `${" ".repeat(hanging)}${line}`)];
}

function broken(text: string, columns: number): readonly string[] {
  return wrapAnsi(text, Math.max(1, columns), { hard: true, trim: true }).split("\n");
}

/** A stream that people may look at. */
export interface Looked {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** A text as it is written to a terminal: wrapped. Into a file or a pipe it goes as it is. */
export function fitted(text: string, { isTTY, columns }: Looked, indent = 2): string {
  if (isTTY !== true || columns === undefined || columns < 1) return text;
  return text
    .split("\n")
    .flatMap((line) => wrapped(line, columns, indent))
    .join("\n");
}
