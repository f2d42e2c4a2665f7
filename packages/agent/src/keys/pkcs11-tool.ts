import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { AgentFault, errorCode, errorText } from "../agent-fault.ts";
import type { Pkcs11KeyStoreConfig } from "../config/agent-config.ts";

/** A command line hides nothing from other users; an environment does. */
const PIN_VARIABLE = "FLEETMINT_PKCS11_PIN";
const MAX_OUTPUT_BYTES = 64 * 1024;

export interface ToolResult {
  readonly ok: boolean;
  readonly output: Buffer;
  readonly complaint: string;
}

/**
 * Runs OpenSC's pkcs11-tool on the configured token. A program and not a native add-on: the agent installs without
 * a compiler, and a token's driver does not run in the agent's process.
 */
export function runPkcs11Tool(
  config: Pkcs11KeyStoreConfig,
  args: readonly string[],
  { login, input }: { readonly login: boolean; readonly input?: Uint8Array },
): Promise<ToolResult> {
  const access = login ? ["--login", "--pin", `env:${PIN_VARIABLE}`] : [];
  const child = spawn("pkcs11-tool", ["--module", config.module, "--token-label", config.token, ...access, ...args], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...(login ? { [PIN_VARIABLE]: readPin(config) } : {}) },
  });
  child.stdin.on("error", () => {});
  child.stdin.end(input ?? Buffer.alloc(0));
  const output = collect(child.stdout);
  const complaint = collect(child.stderr);
  return new Promise((resolve, reject) => {
    child.once("error", (error) => reject(notStarted(error)));
    child.once("close", (code) => {
      resolve({ ok: code === 0, output: output(), complaint: complaint().toString().trim().replace(/\s+/g, " ") });
    });
  });
}

export function readPin({ pinFile }: Pkcs11KeyStoreConfig): string {
  try {
    return readFileSync(pinFile, "utf8").replace(/\r?\n$/, "");
  } catch (cause) {
    throw new AgentFault(
      {
        kind: "usage",
        reason: "pin_unreadable",
        message: `The token's PIN cannot be read: ${errorText(cause)}.`,
        at: pinFile,
        fix: "write the user PIN into that file (mode 0600), or correct fleetmint.keyStore.pinFile",
      },
      { cause },
    );
  }
}

function collect(stream: NodeJS.ReadableStream): () => Buffer {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= MAX_OUTPUT_BYTES) chunks.push(chunk);
  });
  return () => Buffer.concat(chunks);
}

function notStarted(cause: Error): AgentFault {
  const missing = errorCode(cause) === "ENOENT";
  return new AgentFault(
    {
      kind: "usage",
      reason: "pkcs11_tool_missing",
      message: missing
        ? "The program pkcs11-tool is not installed."
        : `pkcs11-tool cannot be started: ${cause.message}.`,
      at: "pkcs11-tool",
      fix: "install OpenSC (Debian: apt-get install opensc libengine-pkcs11-openssl)",
    },
    { cause },
  );
}
