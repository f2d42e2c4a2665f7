import { type ParsedTbs, parseTbs } from "../certificate/parse-tbs.ts";
import { PkiError } from "../pki-error.ts";
import { BODY_LINTS } from "./body-lints.ts";
import { EXTENSION_LINTS } from "./extension-lints.ts";
import { ISSUER_LINTS } from "./issuer-lints.ts";
import type { Finding, Lint, LintContext } from "./lint.ts";
import { NAME_LINTS } from "./name-lints.ts";
import { PROFILE_LINTS } from "./profile-lints.ts";

/** Every rule about the signed part of a certificate. */
export const TBS_LINTS: readonly Lint[] = [
  ...BODY_LINTS,
  ...NAME_LINTS,
  ...EXTENSION_LINTS,
  ...PROFILE_LINTS,
  ...ISSUER_LINTS,
];

/** Reads the bytes anew, independently of who wrote them, and judges them by every rule. Empty means sound. */
export function lintTbs(tbs: Uint8Array, context: LintContext = {}): Finding[] {
  try {
    return lintParsed(parseTbs(tbs), context);
  } catch (error) {
    if (!(error instanceof PkiError)) throw error;
    return [unreadable(error)];
  }
}

export function lintParsed(tbs: ParsedTbs, context: LintContext): Finding[] {
  const findings: Finding[] = [];
  for (const lint of TBS_LINTS) {
    const message = lint.check(tbs, context);
    if (message !== undefined) findings.push({ id: lint.id, citation: lint.citation, message });
  }
  return findings;
}

export function unreadable(error: PkiError): Finding {
  return { id: "readable", citation: "RFC 5280 §4.1, X.690 §10", message: error.message };
}
