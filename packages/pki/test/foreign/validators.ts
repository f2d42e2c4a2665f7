import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** What is verified: three PEM texts and what the last is meant for. */
export interface Chain {
  readonly root: string;
  readonly intermediate: string;
  readonly leaf: string;
  readonly purpose: "server" | "client" | "any";
}

export interface Verdict {
  readonly accepted: boolean;
  readonly said: string;
}

/** A program of somebody else that judges certificates. */
export interface Validator {
  readonly name: string;
  /** Why it cannot run here, as a sentence; undefined where it can. */
  readonly missing: string | undefined;
  judge(chain: Chain): Verdict;
}

const HERE = fileURLToPath(new URL(".", import.meta.url));

/** Opens a folder for programs and files; `close` removes it. */
export function openValidators(): { validators: readonly Validator[]; close(): void } {
  const folder = mkdtempSync(join(tmpdir(), "foreign-"));
  const validators = [openssl, gnutls, nss, python, mbedtls, wolfssl].map((create) => create(folder));
  return { validators, close: () => rmSync(folder, { recursive: true, force: true }) };
}

const openssl = (folder: string): Validator => {
  const purposes = { server: "sslserver", client: "sslclient", any: "any" };
  return validator(
    "OpenSSL -x509_strict",
    needs("openssl", "openssl"),
    folder,
    ({ root, intermediate, leaf, purpose }) => [
      [
        "openssl",
        "verify",
        "-x509_strict",
        "-purpose",
        purposes[purpose],
        "-CAfile",
        root,
        "-untrusted",
        intermediate,
        leaf,
      ],
    ],
  );
};

const gnutls = (folder: string): Validator => {
  const purposes = {
    server: ["--verify-purpose=1.3.6.1.5.5.7.3.1"],
    client: ["--verify-purpose=1.3.6.1.5.5.7.3.2"],
    any: [],
  };
  return validator("GnuTLS certtool", needs("certtool", "gnutls-bin"), folder, ({ root, chain, purpose }) => [
    ["certtool", "--verify", "--load-ca-certificate", root, "--infile", chain, ...purposes[purpose]],
  ]);
};

const nss = (folder: string): Validator => {
  const usages = { server: "V", client: "C", any: "L" };
  let count = 0;
  return validator(
    "NSS certutil",
    needs("certutil", "libnss3-tools"),
    folder,
    ({ root, intermediate, leaf, purpose }) => {
      const database = `sql:${mkdtempSync(join(folder, `nss-${count++}-`))}`;
      const trusts: readonly (readonly [file: string, trust: string])[] = [
        [root, "CT,C,C"],
        [intermediate, ",,"],
        [leaf, ",,"],
      ];
      // Adding a certificate a second time would take the root's trust away.
      const distinct = trusts.filter(([file], i) => trusts.findIndex(([other]) => other === file) === i);
      return [
        ["certutil", "-N", "-d", database, "--empty-password"],
        ...distinct.map(([file, trust]) => [
          "certutil",
          "-A",
          "-d",
          database,
          "-n",
          file,
          "-t",
          trust,
          "-a",
          "-i",
          file,
        ]),
        ["certutil", "-V", "-d", database, "-n", leaf, "-e", "-u", usages[purpose]],
      ];
    },
  );
};

const python = (folder: string): Validator => {
  const found = runs(["/usr/bin/python3", "-c", "import cryptography"]);
  const missing = found ? undefined : "python-cryptography is not installed (Debian: python3-cryptography).";
  return validator("python-cryptography", missing, folder, ({ root, intermediate, leaf, purpose }) => [
    ["/usr/bin/python3", "-W", "ignore", join(HERE, "verify.py"), root, intermediate, leaf, purpose],
  ]);
};

const mbedtls = (folder: string): Validator =>
  compiled(
    "mbed TLS",
    "mbedtls",
    "/usr/include/mbedtls/x509_crt.h",
    ["-lmbedx509", "-lmbedcrypto"],
    "libmbedtls-dev",
    folder,
  );

const wolfssl = (folder: string): Validator =>
  compiled("wolfSSL", "wolfssl", "/usr/include/wolfssl/ssl.h", ["-lwolfssl"], "libwolfssl-dev", folder);

function compiled(
  name: string,
  id: string,
  header: string,
  libraries: string[],
  packageName: string,
  folder: string,
): Validator {
  const binary = join(folder, id);
  const source = join(HERE, `${id}-verify.c`);
  const built = existsSync(header) && runs(["cc", "-O1", "-o", binary, source, ...libraries]);
  const missing = built ? undefined : `${name} cannot be compiled here (Debian: gcc, ${packageName}).`;
  return validator(name, missing, folder, ({ root, intermediate, leaf, purpose }) => [
    [binary, root, intermediate, leaf, purpose],
  ]);
}

interface Files extends Chain {
  /** Leaf and intermediate in one file. */
  readonly chain: string;
}

let written = 0;

function validator(
  name: string,
  missing: string | undefined,
  folder: string,
  commands: (files: Files) => readonly (readonly string[])[],
): Validator {
  return {
    name,
    missing,
    judge(chain) {
      const files = write(folder, chain);
      let said = "";
      for (const command of commands(files)) {
        const { status, output } = run(command);
        said = output;
        if (status !== 0) return { accepted: false, said };
      }
      return { accepted: true, said };
    },
  };
}

function write(folder: string, chain: Chain): Files {
  const base = join(folder, `${written++}`);
  const file = (name: string, text: string) => {
    writeFileSync(`${base}-${name}.pem`, text);
    return `${base}-${name}.pem`;
  };
  const root = file("root", chain.root);
  const intermediate = chain.intermediate === chain.root ? root : file("middle", chain.intermediate);
  const leaf =
    chain.leaf === chain.root ? root : chain.leaf === chain.intermediate ? intermediate : file("leaf", chain.leaf);
  const own = chain.leaf === chain.intermediate ? "" : chain.intermediate;
  return { root, intermediate, leaf, purpose: chain.purpose, chain: file("chain", chain.leaf + own) };
}

function needs(program: string, packageName: string): string | undefined {
  return runs(["sh", "-c", `command -v ${program}`])
    ? undefined
    : `${program} is not installed (Debian: ${packageName}).`;
}

function runs(command: readonly string[]): boolean {
  return run(command).status === 0;
}

function run([program = "", ...parameters]: readonly string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(program, parameters, { encoding: "utf8", timeout: 30_000 });
  return { status, output: `${stdout}${stderr}` };
}
