// No answer leaves before the fsync of its commit: read off the order of the server's system calls.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { ORDER_CALLS, outOfOrder } from "../../src/crash/answer-order.ts";
import { DoomedServer } from "../../src/crash/doomed-server.ts";
import { PersistentDevice } from "../../src/crash/persistent-device.ts";
import { PreparedFolder } from "../../src/crash/prepared-folder.ts";
import { logging, readCalls, whyNoStrace } from "../../src/crash/strace.ts";

// On each test, because a skipped suite is not counted among the skips.
const skip = whyNoStrace();

describe("the order of system calls during a provisioning by claim", () => {
  let prepared: PreparedFolder;

  before(async () => {
    if (skip !== false) return;
    prepared = await PreparedFolder.make({ hook: false });
  });
  after(() => prepared?.[Symbol.dispose]());

  test("each answer leaves after the fsync of its commit has returned", { skip }, async () => {
    assert.deepEqual(await problems(), []);
  });

  test("a server that commits without fsync is caught by the same check", { skip }, async () => {
    const caught = await problems(new URL("./without-fsync.ts", import.meta.url).href);
    assert.equal(caught.length, 2, caught.join("\n"));
    for (const sentence of caught) assert.match(sentence, /not yet synchronized/);
  });

  async function problems(preload?: string): Promise<string[]> {
    const folder = prepared.copy();
    const log = join(folder, "strace.log");
    const strace = logging(ORDER_CALLS, log);
    await using server = await DoomedServer.start({ folder, strace, ...(preload === undefined ? {} : { preload }) });
    assert.ok(server.target !== undefined, server.stderr);
    const device = new PersistentDevice({ claim: prepared.claim, serialNumber: "ordered" });
    await device.attempt(server.target);
    await server.stop();
    const { certificates, thing } = device.acknowledged;
    return outOfOrder(readCalls(readFileSync(log, "utf8")), {
      port: server.target.port,
      answers: [
        { what: "The certificate", bytes: JSON.stringify(certificates[0]).length, commits: 2 },
        { what: "The thing", bytes: JSON.stringify(thing).length, commits: 1 },
      ],
    });
  }
});
