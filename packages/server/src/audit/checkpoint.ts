// A checkpoint is what the installation vouches for with its signature: so many entries, with this root. The form is C2SP's
// tlog-checkpoint in a signed note, so that foreign witnesses and verifiers read it. Extension lines carry what a restore needs to know.
import { createPublicKey, hash, type KeyObject, sign, verify } from "node:crypto";
import { Fault } from "../kit/fault.ts";
import type { ClaimUsage } from "./ports.ts";

export interface Checkpoint {
  /** The log's name and the key's: no spaces, no plus. */
  readonly origin: string;
  readonly size: number;
  /** Lower-case hexadecimal. */
  readonly rootHash: string;
  readonly atMs: number;
  readonly epoch: number;
  readonly claims: readonly ClaimUsage[];
}

const ORIGIN = /^[^\s+]{1,255}$/u;
/** Signature type 0x01 of C2SP signed-note: Ed25519. */
const ED25519 = 0x01;
/** A note vouches for at most so many claims; far more than are open at one time. */
const LONGEST_NOTE = 16 * 1024 * 1024;

export function signCheckpoint(checkpoint: Checkpoint, privateKey: KeyObject): string {
  if (!ORIGIN.test(checkpoint.origin)) throw new Error("The origin of a log has no spaces and no plus sign.");
  const text = textOf(checkpoint);
  const signature = sign(null, Buffer.from(text), privateKey);
  const named = Buffer.concat([keyId(checkpoint.origin, createPublicKey(privateKey)), signature]);
  return `${text}\n— ${checkpoint.origin} ${named.toString("base64")}\n`;
}

/** The checkpoint that the key signed; a Fault `conflict` says what is wrong with a note that it did not. */
export function openCheckpoint(note: string, publicKey: KeyObject): Checkpoint {
  const split = note.lastIndexOf("\n\n");
  if (note.length > LONGEST_NOTE || split < 0) throw unreadable("it has no signature");
  const text = note.slice(0, split + 1);
  const checkpoint = parseText(text);
  const signatures = note.slice(split + 2).split("\n");
  const own = signatures.map((line) => signatureOf(line, checkpoint.origin)).filter((bytes) => bytes !== undefined);
  const id = keyId(checkpoint.origin, publicKey);
  const isSigned = own.some(
    (bytes) => id.equals(bytes.subarray(0, 4)) && verify(null, Buffer.from(text), publicKey, bytes.subarray(4)),
  );
  if (!isSigned) throw unreadable("its signature is not by the installation's audit key");
  return checkpoint;
}

function textOf({ origin, size, rootHash, atMs, epoch, claims }: Checkpoint): string {
  const root = Buffer.from(rootHash, "hex").toString("base64");
  const usage = claims.map(({ claimId, redeemed, closed }) => `claim ${claimId} ${redeemed}${closed ? " closed" : ""}`);
  return `${[origin, String(size), root, `time ${atMs}`, `epoch ${epoch}`, ...usage].join("\n")}\n`;
}

function parseText(text: string): Checkpoint {
  const [origin = "", size = "", root = "", ...extensions] = text.slice(0, -1).split("\n");
  const rootBytes = Buffer.from(root, "base64");
  if (!ORIGIN.test(origin)) throw unreadable("its first line is not an origin");
  // Without leading zeros: each checkpoint has one text.
  if (!/^(0|[1-9]\d{0,15})$/.test(size)) throw unreadable("its second line is not a size");
  if (rootBytes.length !== 32 || rootBytes.toString("base64") !== root)
    throw unreadable("its third line is not a hash");
  const claims: ClaimUsage[] = [];
  const numbers = { time: 0, epoch: 0 };
  for (const line of extensions) {
    const [kind, first, second, ...rest] = line.split(" ");
    const closed = rest.join(" ") === "closed";
    if (kind === "claim" && first !== undefined && isCount(second) && (closed || rest.length === 0)) {
      claims.push({ claimId: first, redeemed: Number(second), ...(closed ? { closed } : {}) });
    } else if ((kind === "time" || kind === "epoch") && isCount(first) && second === undefined) {
      numbers[kind] = Number(first);
    }
  }
  const { time: atMs, epoch } = numbers;
  return { origin, size: Number(size), rootHash: rootBytes.toString("hex"), atMs, epoch, claims };
}

function isCount(text: string | undefined): boolean {
  return text !== undefined && /^\d{1,15}$/.test(text);
}

/** The key id and signature of one line `— name base64`. */
function signatureOf(line: string, name: string): Buffer | undefined {
  const start = `— ${name} `;
  if (!line.startsWith(start)) return undefined;
  const bytes = Buffer.from(line.slice(start.length), "base64");
  return bytes.length === 68 ? bytes : undefined;
}

/** C2SP signed-note: the first four bytes of SHA-256(name ‖ "\n" ‖ type ‖ key). */
function keyId(name: string, publicKey: KeyObject): Buffer {
  const raw = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url");
  return hash("sha256", Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(ED25519), raw]), "buffer").subarray(0, 4);
}

function unreadable(why: string): Fault {
  return new Fault("conflict", `This is not a checkpoint of the audit log: ${why}.`);
}
