import { hash } from "node:crypto";
import { hex } from "../bytes.ts";
import { PkiError } from "../pki-error.ts";
import type { Issuer } from "./issuer.ts";
import type { ProfileName } from "./profiles.ts";

interface PreparedFields {
  readonly tbs: Uint8Array;
  readonly issuer: Issuer;
  readonly profile: ProfileName;
  readonly serial: Uint8Array;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly publicKeyFingerprint: string;
}

let takeBody: (prepared: Prepared) => { tbs: Uint8Array; issuer: Issuer };

/** Proof that exactly these bytes passed the linter, spent once. Only `prepare` makes one; only `issue` spends it. */
export class Prepared {
  readonly profile: ProfileName;
  /** Lower-case hex of the serial number's octets. */
  readonly serial: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly publicKeyFingerprint: string;
  readonly #tbs: Uint8Array;
  readonly #issuer: Issuer;
  #spent = false;

  constructor(fields: PreparedFields) {
    this.profile = fields.profile;
    this.serial = hex(fields.serial);
    this.notBeforeMs = fields.notBeforeMs;
    this.notAfterMs = fields.notAfterMs;
    this.publicKeyFingerprint = fields.publicKeyFingerprint;
    this.#tbs = fields.tbs;
    this.#issuer = fields.issuer;
  }

  /** A copy of the bytes that will be signed; changing it changes nothing. */
  get tbs(): Uint8Array {
    return Uint8Array.prototype.slice.call(this.#tbs);
  }

  /** Lower-case SHA-256 of the bytes that will be signed: the record of the intent. */
  get tbsHash(): string {
    return hash("sha256", this.#tbs, "hex");
  }

  get spent(): boolean {
    return this.#spent;
  }

  static {
    takeBody = (prepared) => {
      if (prepared.#spent) {
        throw new PkiError(
          "prepared_spent",
          `The certificate with serial ${prepared.serial} was given to the signer before.`,
        );
      }
      prepared.#spent = true;
      return { tbs: prepared.#tbs, issuer: prepared.#issuer };
    };
  }
}

/** Takes the linted bytes out, once. Not exported by the package: a caller can only spend by issuing. */
export function spend(prepared: Prepared): { tbs: Uint8Array; issuer: Issuer } {
  return takeBody(prepared);
}
