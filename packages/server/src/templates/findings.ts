import { positionOf } from "./json-reader.ts";
import type { Finding } from "./template.ts";

/** A place in the document while it is being read. */
export interface Spot {
  readonly path: string;
  readonly at: number;
}

/** More than this many findings of one severity help nobody; warnings never crowd out an error. */
const MOST_FINDINGS = 100;

/** Collects what the linter finds, in the order of the text. */
export class Findings {
  readonly #text: string;
  readonly #list: (Finding & { readonly at: number })[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  error(spot: Spot, message: string, remedy: string): undefined {
    this.#add("error", spot, message, remedy);
  }

  warning(spot: Spot, message: string, remedy: string): undefined {
    this.#add("warning", spot, message, remedy);
  }

  list(): readonly Finding[] {
    return [...this.#list].sort((a, b) => a.at - b.at).map(({ at: _, ...finding }) => finding);
  }

  #add(severity: Finding["severity"], { path, at }: Spot, message: string, remedy: string): void {
    if (this.#list.filter((finding) => finding.severity === severity).length >= MOST_FINDINGS) return;
    this.#list.push({ severity, path, at, ...positionOf(this.#text, at), message, remedy });
  }
}

/** Appends a key to a JSON pointer (RFC 6901 §3). */
export function pointer(path: string, key: string | number): string {
  return `${path}/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}
