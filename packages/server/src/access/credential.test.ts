import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../kit/clock.ts";
import { systemRandom } from "../kit/random.ts";
import type { AccountId } from "../vocabulary/ids.ts";
import { authenticate, createCredential, hashToken } from "./credential.ts";
import { requirePermission } from "./permissions.ts";
import type { AccountStore, CredentialRecord } from "./ports.ts";

const ports = { clock: new ManualClock(), random: systemRandom() };
const holder = { accountId: "acc-1" as AccountId, role: "owner" } as const;

function storeOf(...records: CredentialRecord[]): AccountStore {
  return {
    credential: async (hash) => records.find((record) => record.tokenHash === hash),
    saveCredential: async (record) => void records.push(record),
  };
}

test("a token is fmt_ and 256 bits in base64url, new each time", () => {
  const first = createCredential(ports, holder).token;
  assert.match(first, /^fmt_[A-Za-z0-9_-]{43}$/);
  assert.notEqual(createCredential(ports, holder).token, first);
});

test("the record holds the token's hash and never the token", () => {
  const { token, record } = createCredential(ports, holder);
  assert.equal(record.tokenHash, hashToken(token));
  assert.doesNotMatch(JSON.stringify(record), new RegExp(token.slice(4)));
});

test("a token that was given out names its holder", async () => {
  const { token, record } = createCredential(ports, holder);
  assert.deepEqual(await authenticate(storeOf(record), token), record);
});

for (const [what, token] of [
  ["no token", undefined],
  ["an empty one", ""],
  ["another prefix", `abc_${"a".repeat(43)}`],
  ["one too long", `fmt_${"a".repeat(44)}`],
  ["one with a character outside base64url", `fmt_${"a".repeat(42)}+`],
  ["one that nobody was given", `fmt_${"a".repeat(43)}`],
] as const) {
  test(`${what} is unauthenticated, and the fault repeats nothing of it`, async () => {
    const { record } = createCredential(ports, holder);
    await assert.rejects(authenticate(storeOf(record), token), (fault: Error & { code: string }) => {
      assert.equal(fault.code, "unauthenticated");
      assert.doesNotMatch(fault.message, /aaaa/);
      return true;
    });
  });
}

test("a malformed token never reaches the store", async () => {
  const store: AccountStore = { credential: () => assert.fail("asked"), saveCredential: () => assert.fail("saved") };
  await assert.rejects(authenticate(store, "x".repeat(1_000_000)), { code: "unauthenticated" });
});

test("a store that answers with another's record is not believed", async () => {
  const { record } = createCredential(ports, holder);
  const store: AccountStore = { credential: async () => record, saveCredential: async () => {} };
  await assert.rejects(authenticate(store, createCredential(ports, holder).token), { code: "unauthenticated" });
});

test("a role that this release does not know may do nothing", () => {
  const { record } = createCredential(ports, holder);
  requirePermission(record, "listThings");
  for (const role of ["viewer", "constructor", "__proto__", ""]) {
    assert.throws(() => requirePermission({ ...record, role: role as "owner" }, "listThings"), { code: "forbidden" });
  }
});
