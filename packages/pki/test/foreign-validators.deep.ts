// Every profile under every kind of CA key, judged by the programs of six other makers; and what they must refuse.

import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { after, test } from "node:test";
import {
  checkPublicKey,
  createIssuer,
  createIssuingCa,
  createRoot,
  encodeOid,
  fileSigner,
  type Issuer,
  issue,
  keyIdentifier,
  lintCertificate,
  OID,
  type ProfileName,
  pemEncode,
  prepare,
  type SyncSigner,
} from "@fleetmint/pki";
import { encodeTime } from "../src/der/time.ts";
import { der, derTrue, octetString, sequence, smallInteger } from "../src/der/writer.ts";
import * as craft from "./craft-certificate.ts";
import { random } from "./example-ca.ts";
import { type Chain, openValidators } from "./foreign/validators.ts";

const DAY_MS = 86_400_000;
const nowMs = Date.now();
const { validators, close } = openValidators();
after(close);

const KEYS = {
  "P-256": () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey,
  "P-384": () => generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey,
  "RSA-2048": () => generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey,
} as const;

interface Authority {
  readonly root: string;
  readonly intermediate: string;
  readonly issuer: Issuer;
  readonly signer: SyncSigner;
  readonly key: KeyObject;
}

async function authority(kind: keyof typeof KEYS): Promise<Authority> {
  const rootSigner = fileSigner(KEYS[kind]());
  const key = KEYS[kind]();
  const signer = fileSigner(key);
  const settings = { signatureAlgorithm: signer.signatureAlgorithm, serialPrefix: 0x7f, random };
  const root = await createRoot(rootSigner, { subject: { commonName: `Root ${kind}` }, nowMs, ...settings });
  const rootIssuer = createIssuer({ certificate: root.der, ...settings });
  const subject = { commonName: `Issuing CA ${kind}`, organizationName: "Example" };
  const ca = await createIssuingCa(rootIssuer, rootSigner, signer.publicKeySpki, { subject, nowMs });
  return {
    root: root.pem,
    intermediate: ca.pem,
    issuer: createIssuer({ certificate: ca.der, ...settings }),
    signer,
    key,
  };
}

const authorities = {
  "P-256": await authority("P-256"),
  "P-384": await authority("P-384"),
  "RSA-2048": await authority("RSA-2048"),
};

function leaf({ issuer, signer }: Authority, profile: ProfileName, key: KeyObject): string {
  const alternativeNames = profile === "server" ? { dns: ["localhost"], ip: ["127.0.0.1", "::1"] } : {};
  const publicKey = checkPublicKey(craft.spkiOf(key));
  const request = { publicKey, subject: { commonName: `A ${profile}` }, nowMs, alternativeNames };
  return issue(prepare(issuer, profile, request), signer).pem;
}

/** Every chain that must be accepted. */
function* chains(): Generator<readonly [name: string, chain: Chain]> {
  for (const [kind, ca] of Object.entries(authorities)) {
    const { root, intermediate } = ca;
    yield [`root, ${kind}`, { root, intermediate: root, leaf: root, purpose: "any" }];
    yield [`issuing-ca, ${kind}`, { root, intermediate, leaf: intermediate, purpose: "any" }];
    for (const profile of ["server", "claim", "temporary-claim", "device"] as const) {
      for (const [keyKind, create] of Object.entries(KEYS)) {
        const purpose = profile === "server" ? "server" : "client";
        yield [`${profile} ${keyKind} by ${kind}`, { root, intermediate, leaf: leaf(ca, profile, create()), purpose }];
      }
    }
  }
}

const CHAINS = [...chains()];

for (const { name, missing, judge } of validators) {
  test(`${name} accepts every profile with every kind of key`, { skip: missing ?? false }, () => {
    for (const [what, chain] of CHAINS) {
      // NSS asks RSA servers for keyEncipherment, for a key exchange that TLS 1.3 does not have and ours never offers.
      if (name === "NSS certutil" && what.startsWith("server RSA")) continue;
      const { accepted, said } = judge(chain);
      assert.equal(accepted, true, `${what}: ${said}`);
    }
  });
}

const ca = authorities["P-256"];
const deviceKey = KEYS["P-256"]();

function soundParts(): craft.CertificateParts {
  return {
    version: craft.VERSION_3,
    serial: der(
      2,
      Uint8Array.from({ length: 19 }, (_, i) => 0x7f - i),
    ),
    algorithm: craft.ECDSA_SHA256,
    issuer: ca.issuer.name,
    notBefore: encodeTime(nowMs - 3_600_000),
    notAfter: encodeTime(nowMs + 86_400_000),
    subject: craft.name(craft.attribute(OID.commonName, craft.utf8("A device"))),
    spki: craft.spkiOf(deviceKey),
    uniqueIds: craft.NOTHING,
    extensions: {
      ski: craft.extension(OID.subjectKeyIdentifier, octetString(keyIdentifier(craft.spkiOf(deviceKey)))),
      aki: craft.authorityKeyId(ca.issuer.keyId),
      bc: craft.basicConstraints([], true),
      ku: craft.keyUsage([0], true),
      eku: craft.extendedKeyUsage(OID.clientAuth),
    },
  };
}

function crafted(parts: Partial<craft.CertificateParts>, signedBy: KeyObject = ca.key): Uint8Array {
  return craft.craftCertificate(craft.craftTbs({ ...soundParts(), ...parts }), signedBy);
}

const extensions = (change: Record<string, Uint8Array | undefined>) => ({
  extensions: { ...soundParts().extensions, ...change },
});

function flipLastBit(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes).with(bytes.length - 1, bytes.at(-1)! ^ 1);
}

/** What no validator in its right mind accepts; each is one step from the sound certificate. */
const BROKEN: Readonly<Record<string, Uint8Array>> = {
  expired: crafted({ notAfter: encodeTime(nowMs - 60_000) }),
  "not yet valid": crafted({ notBefore: encodeTime(nowMs + 60 * DAY_MS), notAfter: encodeTime(nowMs + 61 * DAY_MS) }),
  "signed by another key": crafted({}, deviceKey),
  "a flipped bit in the signature": flipLastBit(crafted({})),
  "another issuer's name": crafted({ issuer: craft.name(craft.attribute(OID.commonName, craft.utf8("Nobody"))) }),
  "an unknown critical extension": crafted(extensions({ odd: craft.extension("1.2.3.4.5", sequence(), true) })),
  "only serverAuth": crafted(extensions({ eku: craft.extendedKeyUsage(OID.serverAuth) })),
  "an algorithm outside that differs": craft.craftCertificate(
    craft.craftTbs(soundParts()),
    ca.key,
    sequence(encodeOid(OID.ecdsaWithSha384)),
  ),
  "bytes inside after the signature": sequence(crafted({}).subarray(4), smallInteger(1)),
  "a CA below a path length of 0": crafted(
    extensions({ bc: craft.basicConstraints([derTrue, smallInteger(0)], true), ku: craft.keyUsage([5], true) }),
  ),
};

/**
 * Who may accept which: wolfSSL's manager and our Python script do not look at everything; and RFC 5280 §6.1.4 counts only
 * the CAs before the last certificate, so that only the linter objects to a CA as the last one.
 */
const BLIND: Readonly<Record<string, readonly string[]>> = {
  "only serverAuth": ["wolfSSL"],
  "a CA below a path length of 0": [
    "python-cryptography",
    "wolfSSL",
    "mbed TLS",
    "NSS certutil",
    "GnuTLS certtool",
    "OpenSSL -x509_strict",
  ],
  "an algorithm outside that differs": ["python-cryptography"],
};

test("the sound certificate, from which the broken ones deviate, is accepted by all", () => {
  const chain = { ...ca, leaf: pemEncode(crafted({}), "CERTIFICATE"), purpose: "client" } as const;
  assert.deepEqual(lintCertificate(crafted({}), { profile: "device", issuer: ca.issuer }), []);
  for (const { name, missing, judge } of validators) {
    if (missing === undefined) assert.deepEqual([name, judge(chain).accepted], [name, true]);
  }
});

for (const [what, bytes] of Object.entries(BROKEN)) {
  test(`our linter and the validators refuse: ${what}`, () => {
    const findings = lintCertificate(bytes, { profile: "device", issuer: ca.issuer });
    const chain = { ...ca, leaf: pemEncode(bytes, "CERTIFICATE"), purpose: "client" } as const;
    const accepting = validators.filter(({ missing, judge }) => missing === undefined && judge(chain).accepted);
    const surprising = accepting.map(({ name }) => name).filter((name) => BLIND[what]?.includes(name) !== true);
    // The linter judges the form at any time of day; whether a certificate is valid now is the connection's verdict.
    assert.equal(findings.length > 0, what !== "expired" && what !== "not yet valid");
    assert.deepEqual(surprising, []);
  });
}
