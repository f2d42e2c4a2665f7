import type { Painter, Tone } from "./paint.ts";

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  /** May be cut to fit the window; the others never are. */
  readonly flexible?: true;
  readonly tone?: (row: Row) => Tone | undefined;
}

const GAP = "  ";
const NARROWEST = 8;

/** Aligned columns that fit the window; flexible ones give way, the widest first. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], paint: Painter): string {
  const cells = rows.map((row) => columns.map((column) => printable(column.value(row))));
  const widths = fit(columns, cells, paint.width);
  const heading = columns
    .map(({ title }, index) => pad(title.toUpperCase(), widths[index]!))
    .join(GAP)
    .trimEnd();
  const lines = rows.map((row, line) => {
    const painted = columns.map(({ tone }, index) => {
      const text = pad(cells[line]![index]!, widths[index]!);
      return paint.tone(tone?.(row), index === columns.length - 1 ? text.trimEnd() : text);
    });
    return painted.join(GAP).trimEnd();
  });
  return [paint.tone("faint", heading), ...lines, ""].join("\n");
}

function fit<Row>(columns: readonly Column<Row>[], cells: readonly (readonly string[])[], width: number): number[] {
  const widths = columns.map(({ title }, index) => Math.max(title.length, ...cells.map((row) => length(row[index]!))));
  for (;;) {
    const total = widths.reduce((sum, each) => sum + each, GAP.length * (columns.length - 1));
    const flexible = columns.map(({ flexible }, index) => (flexible === true ? widths[index]! : 0));
    const widest = flexible.indexOf(Math.max(...flexible));
    if (total <= width || flexible[widest]! <= NARROWEST) return widths;
    widths[widest] = Math.max(NARROWEST, widths[widest]! - (total - width));
  }
}

function pad(text: string, width: number): string {
  const characters = [...text];
  if (characters.length > width) return `${characters.slice(0, width - 1).join("")}…`;
  return text + " ".repeat(width - characters.length);
}

function length(text: string): number {
  return [...text].length;
}

/** Client ids and serial numbers come from devices: nothing in them may steer the terminal. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced.
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "�");
}
