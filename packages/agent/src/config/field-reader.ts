/** Reads named fields of a JSON object and collects every fault, so that all of them are reported at once. */
export class FieldReader {
  readonly problems: string[];
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #prefix: string;
  readonly #seen = new Set<string>();

  constructor(fields: Readonly<Record<string, unknown>>, prefix = "", problems: string[] = []) {
    this.#fields = fields;
    this.#prefix = prefix;
    this.problems = problems;
  }

  requiredText(key: string, meaning: string): string {
    const value = this.text(key);
    if (value !== undefined) return value;
    const raw = this.#fields[key];
    if (raw === undefined || raw === "") this.#fault(key, `is missing: ${meaning}`);
    else if (isPlaceholder(raw)) this.#fault(key, `still holds the placeholder ${String(raw)}: ${meaning}`);
    return "";
  }

  /** Undefined where the field is absent, empty, or still the placeholder of the vendor's example file. */
  text(key: string): string | undefined {
    const value = this.#take(key);
    if (value === undefined || value === "" || isPlaceholder(value)) return undefined;
    if (typeof value === "string") return value;
    this.#fault(key, `must be a text, and is ${typeName(value)}`);
    return undefined;
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.#take(key) ?? fallback;
    if (typeof value === "boolean") return value;
    this.#fault(key, `must be true or false, and is ${typeName(value)}`);
    return fallback;
  }

  integer(key: string, fallback: number, [low, high]: readonly [number, number]): number {
    const value = this.#take(key) ?? fallback;
    if (typeof value === "number" && Number.isInteger(value) && value >= low && value <= high) return value;
    this.#fault(key, `must be a whole number from ${low} to ${high}`);
    return fallback;
  }

  choice<Value extends string | number>(key: string, values: readonly Value[], fallback: Value): Value {
    const value = (this.#take(key) ?? fallback) as Value;
    if (values.includes(value)) return value;
    this.#fault(key, `must be one of ${values.map((each) => JSON.stringify(each)).join(", ")}`);
    return fallback;
  }

  /** A reader of the object in this field; of an empty one where the field is absent. */
  section(key: string): FieldReader {
    const value = this.#take(key) ?? {};
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    if (!isObject) this.#fault(key, `must be an object, and is ${typeName(value)}`);
    const fields = isObject ? (value as Record<string, unknown>) : {};
    return new FieldReader(fields, `${this.#prefix}${key}.`, this.problems);
  }

  has(key: string): boolean {
    return this.#fields[key] !== undefined;
  }

  raw(key: string): unknown {
    return this.#take(key);
  }

  fault(key: string, problem: string): void {
    this.#fault(key, problem);
  }

  /** Fields that nobody asked for, in the order of the file. */
  unread(): string[] {
    return Object.keys(this.#fields).filter((key) => !this.#seen.has(key));
  }

  #take(key: string): unknown {
    this.#seen.add(key);
    return Object.hasOwn(this.#fields, key) ? this.#fields[key] : undefined;
  }

  #fault(key: string, problem: string): void {
    this.problems.push(`${this.#prefix}${key} ${problem}.`);
  }
}

/** As in the example file that comes with the AWS IoT Device Client. */
function isPlaceholder(value: unknown): boolean {
  return typeof value === "string" && /^<replace_with_.*>$/.test(value);
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  return typeof value === "string" ? "a text" : `${JSON.stringify(value)}`;
}
