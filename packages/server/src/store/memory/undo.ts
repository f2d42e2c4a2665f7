// Maps that can take back what an operation wrote, so that a refusal in its middle leaves nothing behind.

/** What undoes the writes since the last `begin`. */
export class UndoLog {
  #undo: (() => void)[] = [];

  begin(): void {
    this.#undo = [];
  }

  add(undo: () => void): void {
    this.#undo.push(undo);
  }

  rollBack(): void {
    for (const undo of this.#undo.reverse()) undo();
    this.#undo = [];
  }
}

export class UndoMap<Key, Value> {
  readonly #map = new Map<Key, Value>();
  readonly #log: UndoLog;

  constructor(log: UndoLog) {
    this.#log = log;
  }

  get size(): number {
    return this.#map.size;
  }

  get(key: Key): Value | undefined {
    return this.#map.get(key);
  }

  has(key: Key): boolean {
    return this.#map.has(key);
  }

  values(): Value[] {
    return [...this.#map.values()];
  }

  keys(): Key[] {
    return [...this.#map.keys()];
  }

  set(key: Key, value: Value): void {
    const before = this.#map.get(key);
    const existed = this.#map.has(key);
    this.#log.add(() => (existed ? this.#map.set(key, before as Value) : this.#map.delete(key)));
    this.#map.set(key, value);
  }

  delete(key: Key): boolean {
    const before = this.#map.get(key);
    if (!this.#map.delete(key)) return false;
    this.#log.add(() => this.#map.set(key, before as Value));
    return true;
  }
}

/** Rows with ascending numbers. A number that was given is not given again. */
export class Table<Row extends { readonly id: number }> extends UndoMap<number, Row> {
  #last = 0;

  /** The number given last. */
  get last(): number {
    return this.#last;
  }

  insert(row: Omit<Row, "id">): number {
    const id = ++this.#last;
    this.set(id, { ...row, id } as Row);
    return id;
  }

  update(id: number, change: Partial<Row>): void {
    const row = this.get(id);
    if (row !== undefined) this.set(id, { ...row, ...change });
  }

  /** In ascending order, also after a deletion was taken back. */
  rows(): Row[] {
    return this.values().sort((one, other) => one.id - other.id);
  }
}

/** Values by key, several of each; small lists. */
export class Index<Key> {
  readonly #lists: UndoMap<Key, readonly number[]>;

  constructor(log: UndoLog) {
    this.#lists = new UndoMap(log);
  }

  add(key: Key, id: number): void {
    this.#lists.set(key, [...this.of(key), id]);
  }

  of(key: Key): readonly number[] {
    return this.#lists.get(key) ?? [];
  }
}
