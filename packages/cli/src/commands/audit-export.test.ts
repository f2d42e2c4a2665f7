import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { writeExport } from "./audit-export.ts";

const folder = mkdtempSync(join(tmpdir(), "fleetmint-export-"));
after(() => rmSync(folder, { recursive: true }));

test("an export that breaks off leaves no file that could pass for the whole", async () => {
  async function* broken() {
    yield "{}";
    throw new Error("the connection ended");
  }
  const path = join(folder, "audit.ndjson");
  await assert.rejects(writeExport(path, broken()), { message: /broke off: the connection ended/, where: path });
  assert.equal(existsSync(path), false);
});
