import type { ParsedTbs } from "../certificate/parse-tbs.ts";
import type { Issuer } from "../issue/issuer.ts";
import type { ProfileName } from "../issue/profiles.ts";

/** What a lint may compare with; without a profile or an issuer the lints about them do not apply. */
export interface LintContext {
  readonly profile?: ProfileName;
  readonly issuer?: Issuer;
  /** What the builder was asked to write, to be found in what it wrote. */
  readonly expected?: { readonly serial: Uint8Array; readonly spki: Uint8Array };
}

export interface Finding {
  readonly id: string;
  readonly citation: string;
  readonly message: string;
}

/** One rule. `check` returns what is wrong, or undefined. */
export interface Lint {
  readonly id: string;
  readonly citation: string;
  check(tbs: ParsedTbs, context: LintContext): string | undefined;
}
