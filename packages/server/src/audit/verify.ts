// Verifies an exported audit log with nothing but the export and, better, a public key and a checkpoint that were kept elsewhere.
import { createPublicKey, type KeyObject } from "node:crypto";
import { Fault } from "../kit/fault.ts";
import { type Checkpoint, openCheckpoint } from "./checkpoint.ts";
import { EXPORT_FORMAT } from "./export.ts";
import { leafHash } from "./leaf.ts";
import { GrowingTree } from "./merkle.ts";

export interface VerifyOptions {
  /** The installation's audit key, known from elsewhere. Without it the export's own is believed, which proves consistency, not origin. */
  readonly publicKey?: KeyObject;
  /** A signed checkpoint kept outside the installation: without one, nobody can tell that the end was cut off together with its checkpoints. */
  readonly checkpoint?: string;
}

export type VerifyResult =
  | {
      readonly ok: true;
      readonly origin: string;
      readonly entries: number;
      readonly checkpoints: number;
      /** Entries that a checkpoint covers; those after it are signed with the next one. */
      readonly vouched: number;
    }
  | {
      readonly ok: false;
      /** The first entry that is wrong, or from which on nothing is vouched for. */
      readonly firstBadIndex: number;
      readonly problem: string;
    };

export async function verifyExport(
  lines: Iterable<string> | AsyncIterable<string>,
  options: VerifyOptions = {},
): Promise<VerifyResult> {
  const verification = new Verification(options);
  try {
    for await (const line of lines) if (line !== "") verification.take(parseLine(line));
    return verification.finish();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { ok: false, firstBadIndex: verification.badIndex, problem: error.message };
  }
}

type Line = Readonly<Record<string, unknown>>;

class Verification {
  readonly #options: VerifyOptions;
  readonly #tree = new GrowingTree();
  #witnessed: Checkpoint | undefined;
  #header: { readonly origin: string; readonly publicKey: KeyObject } | undefined;
  #vouched = 0;
  #checkpoints = 0;
  #wrongEntry: number | undefined;
  #witnessMet = false;

  constructor(options: VerifyOptions) {
    this.#options = options;
  }

  get badIndex(): number {
    return this.#wrongEntry ?? this.#vouched;
  }

  take(line: Line): void {
    if (this.#header === undefined) this.#takeHeader(line);
    else if (line["type"] === "entry") this.#takeEntry(line);
    else if (line["type"] === "checkpoint") this.#takeCheckpoint(String(line["note"]));
    else throw problem("The export has a line that is neither entry nor checkpoint");
  }

  finish(): VerifyResult {
    if (this.#header === undefined) throw problem("The export is empty");
    const witnessed = this.#witness();
    if (witnessed !== undefined && !this.#witnessMet) {
      throw problem(
        `The export ends at entry ${this.#tree.size}; the checkpoint kept elsewhere covers ${witnessed.size}`,
      );
    }
    const { origin } = this.#header;
    return { ok: true, origin, entries: this.#tree.size, checkpoints: this.#checkpoints, vouched: this.#vouched };
  }

  #takeHeader(line: Line): void {
    if (line["type"] !== "header" || line["format"] !== EXPORT_FORMAT) {
      throw problem(`The export does not begin with a header of format ${EXPORT_FORMAT}`);
    }
    const own = readKey(line["publicKey"]);
    const publicKey = this.#options.publicKey ?? own;
    if (!publicKey.equals(own)) throw problem("The export names another audit key than the one that was given");
    this.#header = { origin: String(line["origin"]), publicKey };
    this.#meetWitness();
  }

  #takeEntry(line: Line): void {
    const { size } = this.#tree;
    const { body } = line;
    if (line["index"] !== size || typeof body !== "string" || leafHash(body) !== line["leafHash"]) {
      this.#wrongEntry = size;
      const what =
        line["index"] === size ? "does not have the hash that stands beside it" : "is missing or out of order";
      throw problem(`Entry ${size} ${what}`);
    }
    this.#tree.append(leafHash(body));
    this.#meetWitness();
  }

  #takeCheckpoint(note: string): void {
    const checkpoint = this.#open(note);
    this.#compare(checkpoint, `The checkpoint of ${checkpoint.size} entries`);
    if (checkpoint.size < this.#vouched) throw problem(`The checkpoint of ${checkpoint.size} entries is out of order`);
    this.#vouched = checkpoint.size;
    this.#checkpoints++;
  }

  #compare(checkpoint: Checkpoint, name: string): void {
    if (checkpoint.size !== this.#tree.size) {
      throw problem(`${name} stands after entry ${this.#tree.size}`);
    }
    if (checkpoint.rootHash === this.#tree.root()) return;
    throw problem(`An entry from ${this.#vouched} to ${checkpoint.size - 1} is not the one that was signed`);
  }

  #meetWitness(): void {
    const witnessed = this.#witness();
    if (witnessed === undefined || this.#tree.size !== witnessed.size) return;
    this.#compare(witnessed, "The checkpoint kept elsewhere");
    this.#vouched = Math.max(this.#vouched, witnessed.size);
    this.#witnessMet = true;
  }

  #witness(): Checkpoint | undefined {
    if (this.#options.checkpoint === undefined) return undefined;
    this.#witnessed ??= this.#open(this.#options.checkpoint);
    return this.#witnessed;
  }

  #open(note: string): Checkpoint {
    if (this.#header === undefined) throw problem("The export has no header");
    const checkpoint = openCheckpoint(note, this.#header.publicKey);
    if (checkpoint.origin !== this.#header.origin)
      throw problem(`A checkpoint is of another log, ${checkpoint.origin}`);
    return checkpoint;
  }
}

function parseLine(line: string): Line {
  try {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed === "object" && parsed !== null) return parsed as Line;
  } catch {
    // Reported below, with what is no object.
  }
  throw problem("The export has a line that is not a JSON object");
}

function readKey(text: unknown): KeyObject {
  try {
    return createPublicKey({ key: Buffer.from(String(text), "base64"), format: "der", type: "spki" });
  } catch (cause) {
    throw problem("The export's header has no readable public key", cause);
  }
}

function problem(sentence: string, cause?: unknown): Fault {
  return new Fault("conflict", `${sentence}.`, { cause });
}
