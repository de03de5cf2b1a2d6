/** Text that fits a screen: lines are broken between words. */
import wrapAnsi from "wrap-ansi";

/** A line keeps so many columns for its text, or half of them: a deeper indent is cut. */
const leastTextColumns = 32;

/**
 * The lines of a text, none wider than `columns`. The second and later ones begin with as many spaces as `indent` says, as long as
 * enough of the line is left. Letters that take two columns count so; a word that alone is too long is broken. A command in
 * backticks stays on one line where it fits one. Control characters and line ends in the text become spaces.
 */
export function wrapped(text: string, columns: number, indent = 0): readonly string[] {
  const leading = /^ */.exec(text)?.[0] ?? "";
  const hanging = Math.min(indent, Math.max(columns - leastTextColumns, Math.floor(columns / 2)));
  const words = printable(text).trimStart();
  const [first = "", ...more] = broken(words, columns - leading.length);
  if (more.length === 0) return [`${leading}${first}`];
  const rest = broken(words.slice(first.length).trimStart(), columns - hanging);
  return [`${leading}${first}`, ...rest.map((line) => `${" ".repeat(hanging)}${line}`)];
}

/** In the form that the library below brings text into, or the length of its lines would not be the length of ours. */
function printable(text: string): string {
  return text.normalize().replaceAll(/\p{Cc}+/gu, " ");
}

const noBreakSpace = "\u00A0";

function broken(text: string, columns: number): readonly string[] {
  const width = Math.max(1, columns);
  const firm = text.replaceAll(/`[^`]+`/g, (command) =>
    lines(command, width).length === 1 ? command.replaceAll(" ", noBreakSpace) : command,
  );
  return lines(firm, width).map((line) => line.replaceAll(noBreakSpace, " "));
}

function lines(text: string, columns: number): readonly string[] {
  return wrapAnsi(text, columns, { hard: true, trim: true }).split("\n");
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
