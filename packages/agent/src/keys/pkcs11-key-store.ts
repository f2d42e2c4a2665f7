import { createPublicKey, hash } from "node:crypto";
import { globSync } from "node:fs";
import type { Signer } from "@fleetmint/pki";
import { AgentFault } from "../agent-fault.ts";
import type { Pkcs11KeyStoreConfig } from "../config/agent-config.ts";
import type { Random } from "../system/random.ts";
import type { KeyHandle, KeyReference, KeyStore } from "./key-store.ts";
import { readPin, runPkcs11Tool, type ToolResult } from "./pkcs11-tool.ts";

type TokenKey = Extract<KeyReference, { kind: "pkcs11" }>;
const ID_BYTES = 8;

/** Keys that are made inside a PKCS#11 token and never leave it: EC P-256, sensitive, not extractable. */
export function pkcs11KeyStore(config: Pkcs11KeyStoreConfig, random: Random): KeyStore {
  return {
    plan: () => ({
      kind: "pkcs11",
      token: config.token,
      label: config.label,
      id: Buffer.from(random.bytes(ID_BYTES)).toString("hex"),
    }),
    async make(reference) {
      const key = tokenKey(reference, config);
      if ((await readPublicKey(config, key)) === undefined) await generate(config, key);
      return open(config, key);
    },
    open: (reference) => open(config, tokenKey(reference, config)),
  };
}

async function open(config: Pkcs11KeyStoreConfig, key: TokenKey): Promise<KeyHandle> {
  const publicKeySpki = await readPublicKey(config, key);
  if (publicKeySpki === undefined) {
    throw tokenFault(
      config,
      "key_missing",
      `The token holds no key with id ${key.id}.`,
      "insert the token that holds it",
    );
  }
  return {
    reference: key,
    signer: signerOf(config, key, publicKeySpki),
    pkcs11Module: config.module,
    uri: keyUri(key),
    credential: (certificatePem) => ({
      certificatePem,
      privateKeyEngine: config.engine ?? installedEngine(config),
      privateKeyIdentifier: `${keyUri(key)}?pin-value=${encodeURIComponent(readPin(config))}`,
    }),
    describe: () => `prime256v1, in the PKCS#11 token: ${keyUri(key)}`,
    destroy: () => destroy(config, key),
  };
}

/** Where the distributions put libp11's engine for OpenSSL 3. Node wants its whole path. */
function installedEngine(config: Pkcs11KeyStoreConfig): string {
  const found = globSync("/usr/{lib,lib64,local/lib}/{,*/}engines-3/pkcs11.so")[0];
  if (found !== undefined) return found;
  throw tokenFault(
    config,
    "pkcs11_engine_missing",
    "The OpenSSL engine for PKCS#11 (pkcs11.so) is not installed.",
    "install it (Debian: apt-get install libengine-pkcs11-openssl), or set fleetmint.keyStore.engine",
  );
}

/** RFC 7512. */
function keyUri({ token, id }: TokenKey): string {
  return `pkcs11:token=${encodeURIComponent(token)};id=${id.replace(/../g, "%$&")};type=private`;
}

function signerOf(config: Pkcs11KeyStoreConfig, key: TokenKey, publicKeySpki: Uint8Array): Signer {
  return {
    publicKeySpki,
    signatureAlgorithm: "ecdsa-sha256",
    async sign(tbs) {
      const args = ["--sign", "--mechanism", "ECDSA", "--id", key.id, "--signature-format", "openssl"];
      const result = await runPkcs11Tool(config, args, { login: true, input: hash("sha256", tbs, "buffer") });
      return succeed(config, result, "sign with the key").output;
    },
  };
}

async function generate(config: Pkcs11KeyStoreConfig, { id, label }: TokenKey): Promise<void> {
  const args = ["--keypairgen", "--key-type", "EC:prime256v1", "--id", id, "--label", label, "--sensitive"];
  succeed(config, await runPkcs11Tool(config, args, { login: true }), "make a key");
}

/** Undefined where the token has no such key; every other trouble is thrown. */
async function readPublicKey(config: Pkcs11KeyStoreConfig, { id }: TokenKey): Promise<Uint8Array | undefined> {
  const result = await runPkcs11Tool(config, ["--read-object", "--type", "pubkey", "--id", id], { login: false });
  if (!result.ok && /object not found/i.test(result.complaint)) return undefined;
  const { output } = succeed(config, result, "read the public key");
  return createPublicKey({ key: output, format: "der", type: "spki" }).export({ format: "der", type: "spki" });
}

async function destroy(config: Pkcs11KeyStoreConfig, key: TokenKey): Promise<void> {
  // Best effort: some tokens refuse, and a key without a certificate opens nothing.
  for (const type of ["privkey", "pubkey"]) {
    await runPkcs11Tool(config, ["--delete-object", "--type", type, "--id", key.id], { login: true });
  }
}

function tokenKey(reference: KeyReference, config: Pkcs11KeyStoreConfig): TokenKey {
  if (reference.kind === "pkcs11" && reference.token === config.token) return reference;
  const place = reference.kind === "file" ? "in a file" : `in the token "${reference.token}"`;
  throw tokenFault(
    config,
    "key_store_changed",
    `The identity's key is ${place}, and the configuration says it is in the token "${config.token}".`,
    'set "fleetmint": {"keyStore": …} back to what it was, or provision a new identity in another store',
  );
}

function succeed(config: Pkcs11KeyStoreConfig, result: ToolResult, action: string): ToolResult {
  if (result.ok) return result;
  throw tokenFault(
    config,
    "token_failed",
    `The token could not ${action}: ${result.complaint || "pkcs11-tool said nothing"}.`,
    "check fleetmint.keyStore: module, token and pinFile (`pkcs11-tool --module … --list-token-slots` lists tokens)",
  );
}

function tokenFault(config: Pkcs11KeyStoreConfig, reason: string, message: string, fix: string): AgentFault {
  return new AgentFault({
    kind: "refused",
    reason,
    message,
    at: `token "${config.token}" through ${config.module}`,
    fix,
  });
}
