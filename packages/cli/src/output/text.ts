import { printable } from "./table.ts";

/** `2026-01-31 12:00`, in UTC, from the wire's ISO 8601. */
export function moment(iso: string): string {
  return iso.slice(0, 16).replace("T", " ");
}

/** `2026-01-31`. */
export function day(iso: string): string {
  return iso.slice(0, 10);
}

/** Enough of a certificate id to tell it apart; commands take it back as a prefix. */
export function short(certificateId: string): string {
  return certificateId.slice(0, 16);
}

/** Something that may be absent. */
export function orDash(text: string | null | undefined): string {
  return text === null || text === undefined || text === "" ? "–" : text;
}

/** `name: value` lines with the values in one column. Empty values are left out. */
export function facts(pairs: readonly (readonly [name: string, value: string | null])[]): string {
  const given = pairs.filter(([, value]) => value !== null && value !== "");
  const width = Math.max(...given.map(([name]) => name.length));
  return given.map(([name, value]) => `${name.padEnd(width)}  ${printable(value!)}\n`).join("");
}

/** Words broken into lines of the window's width, continued under `indent`. A word that is wider than a line is cut. */
export function wrap(text: string, width: number, indent = ""): string {
  const room = Math.max(20, width - indent.length);
  const lines: string[] = [];
  let line = "";
  for (const word of printable(text)
    .split(" ")
    .flatMap((each) => pieces(each, room))) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (longer.length <= room) {
      line = longer;
    } else {
      lines.push(line);
      line = word;
    }
  }
  return [...lines, line].join(`\n${indent}`);
}

function pieces(word: string, length: number): string[] {
  return word.match(new RegExp(`.{1,${length}}`, "gu")) ?? [""];
}

/** `1 thing`, `2 things`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
