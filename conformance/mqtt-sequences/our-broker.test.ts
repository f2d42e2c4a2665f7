import assert from "node:assert/strict";
import { test } from "node:test";
import { SEQUENCES_FOLDER, SEQUENCES_SKIP } from "./data-folder.ts";
import { compareWithExpected } from "./expected-differences.ts";
import { runSequences } from "./run-sequences.ts";

// A broker on plain TCP that lets everyone do everything. The server exports nothing of the kind, so that no one runs it
// by mistake; it is found by its place.
const OPEN_BROKER = new URL("../../packages/server/src/broker/test-broker.ts", import.meta.url).href;

interface OpenBrokerModule {
  createOpenBroker(): Promise<AsyncDisposable & { readonly port: number }>;
}

test("our broker plays every packet sequence but the listed ones", { skip: SEQUENCES_SKIP }, async () => {
  const { createOpenBroker }: OpenBrokerModule = await import(OPEN_BROKER);
  await using broker = await createOpenBroker();
  const where = { host: "127.0.0.1", port: broker.port, folder: SEQUENCES_FOLDER };
  const result = await runSequences({ ...where, concurrency: 16 });
  assert.equal(result.total, 1_482);
  // An entry that is no longer needed is as wrong as one that is missing.
  assert.deepEqual(compareWithExpected(result), { unexpected: [], stale: [] });
});
