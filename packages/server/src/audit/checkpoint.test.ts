import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey } from "node:crypto";
import { describe, it } from "node:test";
import { type Checkpoint, openCheckpoint, signCheckpoint } from "./checkpoint.ts";
import { leafHash } from "./leaf.ts";
import { auditKeys } from "./testing.ts";

const CHECKPOINT: Checkpoint = {
  origin: "fleetmint.example/log-1",
  size: 12,
  rootHash: leafHash("root"),
  atMs: 1_767_225_600_000,
  epoch: 2,
  claims: [
    { claimId: "claim-1", redeemed: 7 },
    { claimId: "claim-2", redeemed: 0, closed: true },
  ],
};

describe("a checkpoint", () => {
  it("is a signed note whose first three lines are origin, size and root (C2SP tlog-checkpoint)", () => {
    const note = signCheckpoint(CHECKPOINT, auditKeys().privateKey);
    const lines = note.split("\n");
    assert.deepEqual(lines.slice(0, 3), [
      CHECKPOINT.origin,
      "12",
      Buffer.from(CHECKPOINT.rootHash, "hex").toString("base64"),
    ]);
    assert.equal(lines.at(-3), "");
    assert.match(lines.at(-2) ?? "", /^— fleetmint\.example\/log-1 [A-Za-z0-9+/]{91}=$/);
    assert.equal(lines.at(-1), "");
  });

  it("names its key as C2SP signed-note says", () => {
    // The Ed25519 key whose private part is 32 zero bytes; RFC 8032 gives its public part.
    const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32)]);
    const privateKey = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
    const note = signCheckpoint({ ...CHECKPOINT, origin: "example.com/log" }, privateKey);
    const signature = Buffer.from(note.trimEnd().split(" ").at(-1) ?? "", "base64");
    assert.equal(signature.length, 68);
    // printf 'example.com/log\n\x01' followed by the raw key, through sha256sum.
    assert.equal(signature.subarray(0, 4).toString("hex"), "1dde4531");
    assert.equal(openCheckpoint(note, createPublicKey(privateKey)).origin, "example.com/log");
  });

  it("opens to what was signed", () => {
    const { privateKey, publicKey } = auditKeys();
    assert.deepEqual(openCheckpoint(signCheckpoint(CHECKPOINT, privateKey), publicKey), CHECKPOINT);
  });

  it("ignores other signatures and extension lines that it does not know", () => {
    const { privateKey, publicKey } = auditKeys();
    const note = signCheckpoint(CHECKPOINT, privateKey);
    assert.deepEqual(openCheckpoint(`${note}— witness.example AAAA\n`, publicKey), CHECKPOINT);
  });

  it("is refused after any change of one character, and by another key", () => {
    const { privateKey, publicKey } = auditKeys();
    const note = signCheckpoint(CHECKPOINT, privateKey);
    assert.throws(() => openCheckpoint(note, auditKeys().publicKey), /not by the installation's audit key/);
    const signatureStart = note.lastIndexOf(" ") + 1;
    // The last character of the base64 text holds bits that no byte has.
    const tail = note.length - 3;
    for (let i = 0; i < tail; i++) {
      const changed = note.slice(0, i) + (note[i] === "1" ? "2" : "1") + note.slice(i + 1);
      assert.throws(() => openCheckpoint(changed, publicKey), `character ${i} of ${signatureStart}`);
    }
  });

  it("is refused when it is not a note at all", () => {
    const { publicKey } = auditKeys();
    for (const text of ["", "\n\n", "a\n\nb", "origin\n1\nAAAA\n\n— origin x\n", "origin\n01\n\n"]) {
      assert.throws(() => openCheckpoint(text, publicKey), { code: "conflict" });
    }
  });
});
