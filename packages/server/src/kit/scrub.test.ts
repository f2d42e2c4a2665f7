import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { escapeControls, lineScrubber, scrub, scrubSecrets, scrubValue } from "./scrub.ts";

const CANARY = "Zk3vQ0m9xT7pL2aB8cD4eF6gH1iJ5kN0oP-qR_sUvWx";
const BODY = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg";
const pem = (label: string) => `-----BEGIN ${label}-----\n${BODY}\n-----END ${label}-----`;

describe("scrub", () => {
  for (const label of [
    "PRIVATE KEY",
    "EC PRIVATE KEY",
    "RSA PRIVATE KEY",
    "ENCRYPTED PRIVATE KEY",
    "OPENSSH PRIVATE KEY",
  ]) {
    it(`removes a ${label} and keeps what stands around it`, () => {
      const text = scrub(`before ${pem(label)} after ${JSON.stringify(pem(label))}`);
      assert.equal(text, 'before [removed] after "[removed]"');
    });
  }

  it("removes a key that was cut off", () => {
    assert.equal(scrub(`key: ${pem("PRIVATE KEY").slice(0, 60)}`), "key: [removed]");
  });

  it("keeps certificates, public keys and certificate ids", () => {
    const kept = `${pem("CERTIFICATE")} ${pem("PUBLIC KEY")} ${"ab".repeat(32)}`;
    assert.equal(scrubSecrets(kept), kept);
  });

  const leaks: readonly string[] = [
    `certificateOwnershipToken ${CANARY}`,
    `certificateOwnershipToken: ${CANARY}`,
    `the ownership token is ${CANARY}`,
    `Invalid token '${CANARY}'`,
    `token=${CANARY}`,
    `https://host/?a=1&access_token=${CANARY}&b=2`,
    `Authorization: Bearer ${CANARY}`,
    `authorization: Basic ${CANARY}`,
    `using bearer ${CANARY}`,
    `{"secret":"${CANARY}"}`,
    `{"secret" : "pre\\"${CANARY}"}`,
    JSON.stringify(JSON.stringify({ deep: { private_key: CANARY } })),
    JSON.stringify(JSON.stringify(JSON.stringify({ passphrase: CANARY }))),
    `{ passphrase: '${CANARY}', b: 1 }`,
    `FLEETMINT_TOKEN=${CANARY}`,
    `FLEETMINT_CA_PASSPHRASE="${CANARY}"`,
    `session eyJhbGciOiJFUzI1NiJ9.${CANARY}.${CANARY}`,
    `AGE-SECRET-KEY-1${CANARY.toUpperCase().replace(/[-_]/g, "Q")}`,
  ];
  for (const leak of leaks) {
    it(`removes the secret in ${leak.replaceAll(CANARY, "…")}`, () => {
      const text = scrub(leak);
      assert.ok(!text.toUpperCase().includes(CANARY.slice(5, 30).toUpperCase().replace(/[-_]/g, "Q")), text);
      assert.match(text, /\[removed\]/);
    });
  }

  it("removes a short password where it cannot be prose", () => {
    assert.equal(scrub("password=hunter2 and more"), "password=[removed] and more");
    assert.equal(scrub('{"password":"a\\"b","c":"d"}'), '{"password":"[removed]","c":"d"}');
    assert.equal(scrub("{ password: 'hunter2' }"), "{ password: '[removed]' }");
  });

  for (const prose of [
    "The token: it was used already.",
    "The ownership token has expired; ask for a new certificate.",
    "Set the passphrase with --ca-passphrase-file; the password must have 12 characters.",
    "authorization of iot:Publish on topic/devices/a failed",
    "token certificateOwnershipToken is missing",
  ]) {
    it(`leaves prose alone: ${prose}`, () => assert.equal(scrub(prose), prose));
  }

  it("gives the same when it is applied twice", () => {
    for (const leak of [...leaks, `a\n${pem("PRIVATE KEY")}`]) assert.equal(scrub(scrub(leak)), scrub(leak));
  });

  it("makes control characters visible", () => {
    assert.equal(
      scrub("a\nb\r\t\u001b[2J\u009b31m\u202e\u2028\u0000é"),
      "a\\nb\\r\\t\\u001b[2J\\u009b31m\\u202e\\u2028\\u0000é",
    );
    assert.equal(escapeControls("nothing to do"), "nothing to do");
  });

  it("stays linear on text made to slow it down", () => {
    const hostile = [
      "-----BEGIN PRIVATE KEY".repeat(20_000),
      "-----BEGIN PRIVATE KEY-----".repeat(20_000),
      "token".repeat(80_000),
      'token:"'.repeat(50_000),
      `token:"${"\\".repeat(200_000)}`,
      `token ${"a".repeat(400_000)}`,
      "password=".repeat(40_000),
      "eyJaaaaaaaaaa".repeat(30_000),
    ];
    const before = process.cpuUsage();
    for (const text of hostile) scrub(text);
    const spent = process.cpuUsage(before);
    assert.ok(spent.user + spent.system < 2_000_000, `${spent.user} µs`);
  });
});

describe("scrubValue", () => {
  it("removes whatever stands under a secret's name, at any depth", () => {
    const value = {
      privateKey: { type: "Buffer", data: [1, 2] },
      a: [{ "x-authorization": ["one", "two"] }],
      ownership_token: 5,
      hookSecret: "s",
      tokens: 3,
      hasPassword: true,
      passphrase: null,
      tokenStatus: "spent",
    };
    assert.deepEqual(scrubValue(value), {
      privateKey: "[removed]",
      a: [{ "x-authorization": "[removed]" }],
      ownership_token: "[removed]",
      hookSecret: "[removed]",
      tokens: 3,
      hasPassword: true,
      passphrase: null,
      tokenStatus: "spent",
    });
  });

  it("recognizes a key that was split into an array of lines", () => {
    const lines = ["first", ...pem("PRIVATE KEY").split("\n"), "last"];
    assert.deepEqual(scrubValue(lines), ["first", "[removed]", "[removed]", "[removed]", "last"]);
  });
});

describe("lineScrubber", () => {
  it("remembers across lines that a key is open", () => {
    const line = lineScrubber();
    const lines = [
      `a ${pem("PRIVATE KEY").split("\n")[0]}`,
      BODY,
      `-----END PRIVATE KEY----- b ${pem("PRIVATE KEY")} c`,
      "d",
    ];
    assert.deepEqual(lines.map(line), ["a [removed]", "[removed]", "[removed] b [removed] c", "d"]);
  });
});
