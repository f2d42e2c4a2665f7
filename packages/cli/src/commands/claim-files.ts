import { closeSync, fsyncSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join, resolve } from "node:path";
import type { IssuedClaim } from "@fleetmint/sdk";
import { CommandError } from "../errors.ts";
import { reasonOf } from "../input/files.ts";

/** The files of a claim, taken before the claim is made: a key that cannot be written would be lost with it. */
export interface ClaimFiles extends AsyncDisposable {
  readonly certificatePath: string;
  /** Null where the factory holds the key. */
  readonly privateKeyPath: string | null;
  readonly caPath: string;
  write(issued: IssuedClaim): void;
}

/** Creates the files, empty, and removes them again unless they are written. Refuses where one exists. */
export function reserveClaimFiles(out: string, key: "csr" | "recipient" | "plain"): ClaimFiles {
  const folder = resolve(out);
  const certificatePath = join(folder, "claim.cert.pem");
  const privateKeyPath = key === "csr" ? null : join(folder, key === "plain" ? "claim.key.pem" : "claim.key.pem.age");
  const caPath = join(folder, "ca.pem");
  const reserved = reserve(folder, [certificatePath, ...(privateKeyPath === null ? [] : [privateKeyPath]), caPath]);
  let written = false;
  return {
    certificatePath,
    privateKeyPath,
    caPath,
    write(issued) {
      const contents = [issued.certificatePem, ...keyText(issued), issued.caPem];
      try {
        for (const [index, { descriptor }] of reserved.entries()) writeDurably(descriptor, contents[index]!);
      } catch (cause) {
        const fix = `End the claim (\`fleetmint claim disable ${issued.claim.claimId}\`), then create another.`;
        throw new CommandError(`The claim was made, but its files were not: ${reasonOf(cause)}`, folder, fix, {
          cause,
        });
      }
      written = true;
    },
    async [Symbol.asyncDispose]() {
      for (const { path, descriptor } of reserved) {
        closeSync(descriptor);
        if (!written) rmSync(path, { force: true });
      }
    },
  };
}

function keyText({ privateKeyPem, sealedPrivateKey }: IssuedClaim): string[] {
  const text = privateKeyPem ?? sealedPrivateKey;
  return text === null ? [] : [text];
}

interface Reserved {
  readonly path: string;
  readonly descriptor: number;
}

function reserve(folder: string, paths: readonly string[]): Reserved[] {
  const reserved: Reserved[] = [];
  let path = folder;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (path of paths)
      reserved.push({ path, descriptor: openSync(path, "wx", path.includes(".key.") ? 0o600 : 0o644) });
    return reserved;
  } catch (cause) {
    for (const { path, descriptor } of reserved) {
      closeSync(descriptor);
      rmSync(path, { force: true });
    }
    if ((cause as NodeJS.ErrnoException).code !== "EEXIST") {
      throw new CommandError(reasonOf(cause), path, "Give --out a folder that this user may write to.", { cause });
    }
    throw new CommandError(
      "The file exists already and is not overwritten.",
      path,
      "Give --out another folder, or move the old files away.",
      { cause },
    );
  }
}

function writeDurably(descriptor: number, text: string): void {
  writeSync(descriptor, text);
  fsyncSync(descriptor);
}
