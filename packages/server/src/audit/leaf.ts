// What one entry is in the tree: a canonical text and the RFC 9162 §2.1.1 hash of it.
import { hash } from "node:crypto";
import type { AuditEvent } from "./ports.ts";

/** The one text of an event: JSON with sorted keys and no spaces, so that the same fact always has the same hash. */
export function entryBody(event: AuditEvent): string {
  return canonicalJson({
    actor: event.actor,
    atMs: event.atMs,
    detail: event.detail,
    event: event.event,
    subject: event.subject,
  });
}

/** Lower-case hexadecimal of SHA-256(0x00 ‖ body); the zero byte keeps a leaf from passing for an inner node. */
export function leafHash(body: string): string {
  return hash("sha256", `\0${body}`, "hex");
}

/** JSON with the keys of every object in code-unit order (RFC 8785 §3.2.3); members without a value are left out. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value ?? null);
  const members = value as Record<string, unknown>;
  let text = "";
  for (const key of Object.keys(members).sort()) {
    const member = members[key];
    if (member !== undefined) text += `${text === "" ? "" : ","}${JSON.stringify(key)}:${canonicalJson(member)}`;
  }
  return `{${text}}`;
}
