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
    return {
      get: (...values) => statement.get(...values) as Row | undefined,
      all: (...values) => statement.all(...values) as Row[],
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
