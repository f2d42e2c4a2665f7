import type { Terminal } from "../terminal.ts";
import { createPainter, type Painter } from "./paint.ts";
import { type Column, table } from "./table.ts";

export type Format = "table" | "json";

/** What a command says, either to a person or as one JSON value to a program. */
export interface Output {
  readonly format: Format;
  readonly paint: Painter;
  /** The whole answer: `value` for programs, `text` for people. Called once. */
  answer(value: unknown, text: () => string): void;
  /** The whole answer as rows. `empty` is said where there are none. */
  rows<Row>(rows: readonly Row[], columns: readonly Column<Row>[], empty: string): void;
  /** Something beside the answer, for people only. */
  note(text: string): void;
  /** The answer is an answer, and bad news: exit code 1. */
  fail(): void;
}

export function createOutput(terminal: Terminal, format: Format, fail: () => void): Output {
  const paint = createPainter(terminal);
  const answer = (value: unknown, text: () => string) => {
    terminal.out(format === "json" ? `${JSON.stringify(value, null, 2)}\n` : ended(text()));
  };
  return {
    format,
    paint,
    answer,
    rows: (rows, columns, empty) => answer(rows, () => (rows.length === 0 ? empty : table(columns, rows, paint))),
    fail,
    note(text) {
      if (format === "table") terminal.err(ended(text));
    },
  };
}

function ended(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}
