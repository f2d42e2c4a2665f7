import assert from "node:assert/strict";
import { copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { afterEach, describe, it } from "node:test";
import { ManualClock } from "../../kit/clock.ts";
import { onFaultPoint } from "../../kit/fault-points.ts";
import { systemRandom } from "../../kit/random.ts";
import { CLAIM, Fixture, randomHex, thingName } from "../contract/fixture.ts";
import { refused } from "../contract/refused.ts";
import { checkInvariants } from "../invariants.ts";
import { openSqliteStore } from "./open-sqlite-store.ts";
import { openTestStore, temporaryFile } from "./testing.ts";

afterEach(() => onFaultPoint(undefined));

async function filled(file: string): Promise<Fixture> {
  const fixture = await Fixture.ready(({ clock }) => openTestStore({ file, clock }));
  await fixture.provision("lamp-1");
  await fixture.pending({ clientId: "lamp-2" });
  return fixture;
}

describe("a SQLite store", () => {
  it("has everything again after it was closed and opened", async () => {
    const file = temporaryFile();
    const fixture = await filled(file);
    const before = await fixture.store.thing(thingName("lamp-1"));
    const claim = await fixture.store.claim(CLAIM);
    await fixture.store.close();
    const store = await openTestStore({ file });
    assert.deepEqual(await store.thing(thingName("lamp-1")), before);
    assert.deepEqual(await store.claim(CLAIM), claim);
    assert.deepEqual(await store.checkIntegrity(), []);
    await store.close();
    assert.deepEqual(checkInvariants(file), []);
  });

  it("syncs every commit, as read back from the connection", async () => {
    const store = await openTestStore();
    assert.deepEqual(store.durabilitySettings(), { journalMode: "wal", synchronous: 2 });
    await store.close();
  });

  it("is readable by its owner alone, its log included", async () => {
    const file = temporaryFile();
    const fixture = await filled(file);
    for (const path of [file, `${file}-wal`, `${file}-shm`]) assert.equal(statSync(path).mode & 0o777, 0o600, path);
    await fixture.store.close();
  });

  it("refuses a database of a newer release, names both versions and changes nothing", async () => {
    const file = temporaryFile();
    await (await openTestStore({ file })).close();
    const database = new DatabaseSync(file);
    database.exec("PRAGMA user_version = 999");
    database.close();
    const before = readFileSync(file);
    const fault = await refused(openTestStore({ file }), "store_unavailable");
    assert.match(fault.message, /version 999.*up to 1.*Nothing was changed\.$/);
    assert.deepEqual(readFileSync(file), before);
  });

  it("refuses a file that is no database, or somebody else's, and changes nothing", async () => {
    const file = temporaryFile();
    writeFileSync(file, "This is a letter, not a database.".repeat(500));
    const before = readFileSync(file);
    assert.match((await refused(openTestStore({ file }), "store_unavailable")).message, /not a Fleetmint database/);
    assert.deepEqual(readFileSync(file), before);
    const foreign = temporaryFile();
    const database = new DatabaseSync(foreign);
    database.exec("CREATE TABLE letters (id INTEGER)");
    database.close();
    assert.match(
      (await refused(openTestStore({ file: foreign }), "store_unavailable")).message,
      /not a Fleetmint database/,
    );
  });

  it("opens a database whose creation was cut short before the schema", async () => {
    const file = temporaryFile();
    writeFileSync(file, "");
    const store = await openTestStore({ file });
    assert.equal(await store.epoch(), 1);
    await store.close();
  });

  it("keeps no secret of a webhook in clear, and writes none without a key to seal it", async () => {
    const file = temporaryFile();
    const secret = `canary-${randomHex()}`;
    const apply = async (store: Awaited<ReturnType<typeof openTestStore>>) => {
      const fixture = await Fixture.open(async () => store);
      const hook = { kind: "webhook" as const, url: "https://hook.example/", secret };
      const name = "t" as Parameters<Fixture["applyTemplate"]>[0];
      await store.applyTemplate({
        name,
        body: "{}",
        settings: undefined,
        hook,
        nowMs: 0,
        audit: fixture.audit("t", "t"),
      });
      return store.template(name);
    };
    const store = await openTestStore({ file });
    const template = await apply(store);
    assert.equal(template?.hook?.kind === "webhook" && template.hook.secret, secret);
    assert.deepEqual(checkInvariants(file), []);
    await store.close();
    assert.equal(readFileSync(file).includes(secret), false);
    const keyless = await openSqliteStore({ file: temporaryFile(), clock: new ManualClock(), random: systemRandom() });
    await assert.rejects(apply(keyless), /without a sealing key/);
    await keyless.close();
  });
});

describe("a commit", () => {
  it("answers nobody before it is done", async () => {
    const file = temporaryFile();
    const fixture = await filled(file);
    const order: string[] = [];
    onFaultPoint((point) => order.push(point));
    await Promise.all(["a", "b"].map((name) => fixture.pending({ clientId: name }).then(() => order.push(name))));
    const firstAnswer = order.findIndex((entry) => entry === "a" || entry === "b");
    assert.equal(order[firstAnswer - 1], "store-after-commit");
    assert.equal(
      order.filter((entry) => entry === "store-after-commit").length,
      2,
      "two operations of a turn share a commit",
    );
    await fixture.store.close();
  });

  it("that fails leaves nothing of its batch, and the next one works", async () => {
    const file = temporaryFile();
    const fixture = await filled(file);
    onFaultPoint((point) => {
      if (point === "store-before-commit") throw new Error("the power went");
    });
    const results = await Promise.allSettled(["a", "b"].map((name) => fixture.pending({ clientId: name })));
    assert.deepEqual(
      results.map((result) => result.status),
      ["rejected", "rejected"],
    );
    onFaultPoint(undefined);
    assert.equal((await fixture.store.claim(CLAIM))?.pending, 1);
    await fixture.pending({ clientId: "c" });
    await fixture.store.close();
    assert.deepEqual(checkInvariants(file), []);
  });

  it("that succeeded but was not reported can be asked for again, with the same answer", async () => {
    const file = temporaryFile();
    const fixture = await filled(file);
    const pending = await fixture.pending({ clientId: "a" });
    const request = fixture.request(pending, fixture.plan({ name: thingName("a") }));
    onFaultPoint((point) => {
      if (point === "store-after-commit") throw new Error("the answer was lost");
    });
    await assert.rejects(fixture.store.redeem(request), /the answer was lost/);
    onFaultPoint(undefined);
    assert.equal((await fixture.store.redeem(request)).kind, "replayed");
    await fixture.store.close();
    assert.deepEqual(checkInvariants(file), []);
  });

  it("keeps what else came in the same turn when one operation is refused half-way", async () => {
    const fixture = await filled(temporaryFile());
    const [good, bad] = [await fixture.pending({ clientId: "good" }), await fixture.pending({ clientId: "bad" })];
    const wrong = [
      { name: "made" as never, document: "{}" },
      { name: "missing" as never, document: undefined },
    ];
    const [refusedOne, kept] = await Promise.allSettled([
      fixture.store.redeem(fixture.request(bad, fixture.plan({ name: thingName("bad") }, { policies: wrong }))),
      fixture.store.redeem(fixture.request(good, fixture.plan({ name: thingName("good") }))),
    ]);
    assert.deepEqual([refusedOne?.status, kept?.status], ["rejected", "fulfilled"]);
    assert.equal(await fixture.store.thing(thingName("bad")), undefined);
    assert.notEqual(await fixture.store.thing(thingName("good")), undefined);
    await fixture.store.close();
  });

  it("on a full disk refuses before anything is signed, keeps what it had, and works again when there is space", async () => {
    const file = temporaryFile();
    const fixture = await Fixture.ready(({ clock }) => openTestStore({ file, clock, maxPages: 100 }));
    await fixture.provision("lamp-1");
    const fill = async (): Promise<void> => {
      for (let i = 0; i < 50; i++) {
        await Promise.all(Array.from({ length: 10 }, (_, k) => fixture.provision(`filler-${i}-${k}`)));
      }
    };
    assert.match((await refused(fill(), "store_unavailable")).message, /full.*Nothing of it was kept/);
    const document = "x".repeat(9000);
    const big = () => fixture.applyPolicy(randomHex() as Parameters<Fixture["applyPolicy"]>[0], document);
    await refused(Promise.all([big(), big(), big()]), "store_unavailable");
    assert.notEqual(await fixture.store.thing(thingName("lamp-1")), undefined);
    await fixture.store.close();
    assert.deepEqual(checkInvariants(file), []);
    const store = await openTestStore({ file });
    await store.recordIntent(fixture.intent(fixture.signed("device"), { claimId: CLAIM, clientId: "x" }));
    await store.close();
    assert.deepEqual(checkInvariants(file), []);
  });

  it("after an I/O error refuses everything that follows", async () => {
    const fixture = await filled(temporaryFile());
    onFaultPoint((point) => {
      if (point === "store-before-commit") throw Object.assign(new Error("disk I/O error"), { errcode: 10 | (4 << 8) });
    });
    await refused(fixture.pending({ clientId: "a" }), "store_unavailable");
    onFaultPoint(undefined);
    await refused(fixture.pending({ clientId: "a" }), "store_unavailable");
    await refused(fixture.store.claim(CLAIM), "store_unavailable");
    await fixture.store.close();
  });
});

describe("a backup", () => {
  it("made while devices are provisioned is one consistent moment, and private", async () => {
    const file = temporaryFile();
    const copy = temporaryFile("backup");
    const fixture = await Fixture.ready(({ clock }) => openTestStore({ file, clock }));
    await Promise.all(Array.from({ length: 300 }, (_, i) => fixture.provision(`before-${i}`)));
    const store = fixture.store as Awaited<ReturnType<typeof openTestStore>>;
    const backup = store.backup(copy);
    for (let i = 0; i < 20; i++) await fixture.provision(`during-${i}`);
    await backup;
    await store.close();
    assert.equal(statSync(copy).mode & 0o777, 0o600);
    assert.equal(existsSync(`${copy}.unfinished`), false);
    const opened = `${copy}.opened`;
    copyFileSync(copy, opened);
    const again = await openTestStore({ file: opened });
    const redeemed = (await again.claim(CLAIM))?.redeemed ?? 0;
    assert.ok(redeemed >= 300 && redeemed <= 320, String(redeemed));
    await again.close();
    assert.deepEqual(checkInvariants(opened), []);
  });
});
