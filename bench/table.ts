/** A table of text for people who read a terminal. */

export type Row = Readonly<Record<string, string | number>>;

/** Columns are the fields of the first row, in their order; numbers stand to the right. */
export function table(rows: readonly Row[]): string {
  const columns = Object.keys(rows[0] ?? {});
  const cells = [columns, ...rows.map((row) => columns.map((column) => String(row[column] ?? "")))];
  const widths = columns.map((_, place) => Math.max(...cells.map((row) => row[place]?.length ?? 0)));
  const numeric = columns.map((column) => rows.every((row) => typeof row[column] === "number"));
  return cells
    .map((row) => row.map((cell, place) => pad(cell, widths[place] ?? 0, numeric[place] === true)).join("  "))
    .map((line) => line.trimEnd())
    .join("\n");
}

function pad(cell: string, width: number, right: boolean): string {
  return right ? cell.padStart(width) : cell.padEnd(width);
}
