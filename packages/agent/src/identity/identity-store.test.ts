import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { eraseFile } from "../system/durable-files.ts";
import { decodeBundle, encodeBundle } from "./bundle.ts";
import { IdentityStore } from "./identity-store.ts";
import { type AgentState, EMPTY_STATE } from "./state.ts";
import { lockStore } from "./store-lock.ts";

const folder = mkdtempSync(join(tmpdir(), "fleetmint-store-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const STATE: AgentState = {
  claimToErase: true,
  floorMs: 5,
  pending: { purpose: "provision", key: { kind: "file", privateKeyPem: "a\nb\n" } },
};

test("what is saved is loaded, and no temporary file is left", () => {
  const store = new IdentityStore(join(folder, "deep", "store"));
  assert.deepEqual(store.load(), EMPTY_STATE);
  store.save(STATE);
  assert.deepEqual(store.load(), STATE);
  store.save(EMPTY_STATE);
  assert.deepEqual(store.load(), EMPTY_STATE);
  assert.deepEqual(readdirSync(store.folder), ["identity.json"]);
});

test("the folder is its owner's alone, also where it was not, and so is the file", () => {
  const path = join(folder, "open");
  mkdirSync(path);
  chmodSync(path, 0o755);
  const store = new IdentityStore(path);
  store.save(STATE);
  assert.equal(statSync(path).mode & 0o777, 0o700);
  assert.equal(statSync(store.path).mode & 0o777, 0o600);
});

test("a remainder of an interrupted save, even a link to elsewhere, does not harm the next one", () => {
  const store = new IdentityStore(join(folder, "remainder"));
  store.save(STATE);
  writeFileSync(`${store.path}.new`, "half a bun", { mode: 0o644 });
  assert.deepEqual(store.load(), STATE);
  store.save(EMPTY_STATE);
  assert.deepEqual(store.load(), EMPTY_STATE);
  assert.equal(statSync(store.path).mode & 0o777, 0o600);
});

test("every single changed or missing byte of a bundle is found", () => {
  const text = encodeBundle(STATE);
  assert.deepEqual(decodeBundle(text), STATE);
  for (let at = 0; at < text.length; at++) {
    const changed = text.slice(0, at) + (text[at] === "x" ? "y" : "x") + text.slice(at + 1);
    assert.throws(() => decodeBundle(changed), Error, `byte ${at} changed`);
    assert.throws(() => decodeBundle(text.slice(0, at)), Error, `cut at ${at}`);
  }
});

test("a damaged bundle is refused with its path and what to do, and left as it is", () => {
  const store = new IdentityStore(join(folder, "damaged"));
  store.save(STATE);
  writeFileSync(store.path, readFileSync(store.path, "utf8").replace('"floorMs":5', '"floorMs":6'));
  assert.throws(() => store.load(), { reason: "identity_damaged", at: store.path });
  assert.match(readFileSync(store.path, "utf8"), /"floorMs":6/);
});

test("a store that cannot be written is refused with the folder and the setting", () => {
  writeFileSync(join(folder, "file"), "");
  const store = new IdentityStore(join(folder, "file", "store"));
  assert.throws(() => store.save(STATE), { reason: "store_unavailable", at: store.folder });
});

test("an erased file is gone, and one that is missing is no fault", () => {
  const path = join(folder, "claim.key.pem");
  writeFileSync(path, "secret");
  assert.equal(eraseFile(path), true);
  assert.equal(eraseFile(path), false);
});

test("a second agent on the same store is refused while the first lives, and not after", () => {
  const path = new IdentityStore(join(folder, "locked")).prepare();
  const release = lockStore(path);
  assert.throws(() => lockStore(path), { reason: "store_busy" });
  release();
  lockStore(path)();
  assert.deepEqual(readdirSync(path), []);
});

test("the lock of a process that is gone, or whose number another has now, is taken over", () => {
  const path = new IdentityStore(join(folder, "stale")).prepare();
  for (const holder of ["999999999 1", `${process.pid} 1`, "", "nonsense"]) {
    writeFileSync(join(path, "lock"), holder);
    writeFileSync(join(path, "lock.999999999"), "left over");
    lockStore(path)();
    assert.deepEqual(readdirSync(path), []);
  }
});
