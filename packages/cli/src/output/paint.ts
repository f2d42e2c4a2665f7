export type Tone = "good" | "bad" | "warn" | "faint" | "bold";

/** Colours where they are wanted, and how wide the window is. */
export interface Painter {
  readonly width: number;
  tone(tone: Tone | undefined, text: string): string;
}

const CODES: Readonly<Record<Tone, string>> = { good: "32", bad: "31", warn: "33", faint: "2", bold: "1" };

export function createPainter({ width, colour }: { readonly width: number; readonly colour: boolean }): Painter {
  return {
    width,
    tone: (tone, text) => (colour && tone !== undefined ? `\u001b[${CODES[tone]}m${text}\u001b[0m` : text),
  };
}

/** The tone of a state, an outcome or a severity, the same everywhere. */
export function toneOf(word: string): Tone | undefined {
  if (["active", "ACTIVE", "issued", "ok", "provisioned"].includes(word)) return "good";
  if (["denied", "disabled", "REVOKED", "retired", "alarm", "error"].includes(word)) return "bad";
  if (["suspended", "quarantined", "pending", "PENDING_ACTIVATION", "INACTIVE", "warning"].includes(word))
    return "warn";
  return undefined;
}
