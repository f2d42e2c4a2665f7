import { hash } from "node:crypto";
import type { AgentState } from "./state.ts";

const FORMAT = 1;

/** The state as the text of one file, with a checksum over all of it. */
export function encodeBundle(state: AgentState): string {
  const body = JSON.stringify(state);
  return `${JSON.stringify({ format: FORMAT, sha256: hash("sha256", body) })}\n${body}\n`;
}

/** Throws an Error with half a sentence where the text is not a whole bundle of a format that we know. */
export function decodeBundle(text: string): AgentState {
  const [head, body, rest] = text.split("\n");
  if (head === undefined || body === undefined || rest !== "") throw new Error("it is not two whole lines");
  const { format, sha256 } = parseHead(head);
  if (format !== FORMAT) throw new Error(`it has format ${String(format)}, and this agent knows format ${FORMAT}`);
  if (hash("sha256", body) !== sha256) throw new Error("its checksum does not match its content");
  return JSON.parse(body) as AgentState;
}

function parseHead(head: string): { format?: unknown; sha256?: unknown } {
  try {
    return (JSON.parse(head) ?? {}) as { format?: unknown; sha256?: unknown };
  } catch {
    throw new Error("its first line is damaged");
  }
}
