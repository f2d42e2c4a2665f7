// The few conversions between records and what SQLite keeps.
import type { DatabaseSync, StatementSync } from "node:sqlite";

export type Value = string | number | null | Uint8Array;

/** A prepared statement whose rows have the shape that its SQL names. */
export interface Query<Row> {
  get(...values: readonly Value[]): Row | undefined;
  all(...values: readonly Value[]): Row[];
}

export interface Command {
  /** Returns how many rows changed. */
  run(...values: readonly Value[]): number;
  /** Returns the new row's number. */
  insert(...values: readonly Value[]): number;
}

/** Prepares once, at opening: a statement that does not fit the schema is found there. */
export class Sql {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  query<Row>(text: string): Query<Row> {
    const statement: StatementSync = this.#database.prepare(text);
    const toRow = rowBuilder<Row>(statement.columns().map(({ name }) => name));
    // Objects made by the binding look up every column's name again for each row, and are slow to read afterwards.
    statement.setReturnArrays(true);
    return {
      get(...values) {
        const cells = statement.get(...values) as Cells | undefined;
        return cells && toRow(cells);
      },
      all: (...values) => (statement.all(...values) as unknown as Cells[]).map(toRow),
    };
  }

  /** A query whose rows are turned into records. */
  records<Row, Item>(text: string, toItem: (row: Row) => Item): Query<Item> {
    const { get, all } = this.query<Row>(text);
    return {
      get(...values) {
        const row = get(...values);
        return row && toItem(row);
      },
      all: (...values) => all(...values).map(toItem),
    };
  }

  command(text: string): Command {
    const statement: StatementSync = this.#database.prepare(text);
    return {
      run: (...values) => Number(statement.run(...values).changes),
      insert: (...values) => Number(statement.run(...values).lastInsertRowid),
    };
  }
}

type Cells = readonly Value[];

/** The members always in the same order, so that all rows of a statement have one shape. */
function rowBuilder<Row>(names: readonly string[]): (cells: Cells) => Row {
  return (cells) => {
    const row: Record<string, Value> = {};
    for (let column = 0; column < names.length; column++) row[names[column] as string] = cells[column] as Value;
    return row as Row;
  };
}

/** The integer by which a random value is looked up: 48 bits, exact as a JavaScript number. */
export function prefixOf(hex: string): number {
  return Number.parseInt(hex.slice(0, 12), 16);
}

/** Serial numbers begin with the installation's epoch; their end is random. */
export function serialPrefixOf(serial: string): number {
  return Number.parseInt(serial.slice(-12), 16);
}

export function bytesOf(hex: string): Uint8Array {
  return Buffer.from(hex, "hex");
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}

export function orNull<Item>(value: Item | undefined): Item | null {
  return value ?? null;
}

export function orUndefined<Item>(value: Item | null | undefined): Item | undefined {
  return value ?? undefined;
}
