import type { Finding } from "@fleetmint/sdk";
import { type Painter, toneOf } from "../output/paint.ts";
import { wrap } from "../output/text.ts";

/** Each finding with its place; empty where there are none. */
export function findingsText(findings: readonly Finding[], paint: Painter): string {
  const texts = findings.map(({ severity, path, message }) => {
    const place = path === "" ? "the document" : path;
    return `${paint.tone(toneOf(severity), severity)}  ${place}\n    ${wrap(message, paint.width, "    ")}\n`;
  });
  return texts.join("");
}
