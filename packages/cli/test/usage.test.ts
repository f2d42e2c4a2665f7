import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import type { ServeRequest, VerifyResult } from "@fleetmint/server";
import { Fault } from "@fleetmint/server";
import { createProgram } from "../src/program.ts";
import { runCommand, startFixture } from "./fixture.ts";

const fixture = await startFixture();
after(() => fixture[Symbol.asyncDispose]());
const CREATE = ["claim", "create", "--template", "a", "--out", "x"];

for (const argv of [
  [],
  ["claim"],
  ["clam"],
  ["claim", "crate"],
  ["thing", "show"],
  ["thing", "show", "a", "b"],
  ["thing", "list", "--colour"],
  ["thing", "list", "-o", "xml"],
  ["thing", "list", "--limit", "0"],
  ["thing", "list", "--limit", "1e3"],
  ["thing", "list"],
  ["thing", "list", "--data", "a", "--server", "https://b"],
  ["thing", "list", "--server", "https://b"],
  [...CREATE, "--valid-for", "90"],
  [...CREATE, "--valid-for", "-1d"],
  [...CREATE, "--max-devices", "many"],
  [...CREATE, "--serials", "a", "--allow-any-device"],
  [...CREATE, "--plain", "--csr", "a"],
  [...CREATE, "--key-type", "DSA"],
  ["claim", "create", "--out", "x"],
  ["template", "apply", "a", "--enable", "--disable"],
  ["policy", "attach", "p", "--thing", "a", "--group", "b"],
  ["init"],
  ["serve"],
  ["serve", "--data", "d", "--mqtt-port", "65536"],
  ["attempt", "list", "--outcome", "lost"],
  ["cert", "revoke", "a", "--reason", "boredom"],
]) {
  test(`\`fleetmint ${argv.join(" ")}\` is wrong usage: 2, and stdout stays empty`, async () => {
    const { code, out, err } = await runCommand(argv);
    assert.deepEqual([code, out], [2, ""]);
    assert.notEqual(err, "");
  });
}

test("every command has help with what it does and an example, within 80 columns of its own text", async () => {
  const program = createProgram({ terminal: {} as never, loadServer: () => assert.fail(), fail: () => {} });
  const leaves = program.commands.flatMap((command) =>
    command.commands.length > 0 ? command.commands.map((leaf) => [command.name(), leaf.name()]) : [[command.name()]],
  );
  assert.ok(leaves.length >= 45, `${leaves.length} commands`);
  for (const words of leaves) {
    const { code, out } = await runCommand([...words, "--help"]);
    assert.equal(code, 0, words.join(" "));
    assert.match(out, new RegExp(`Usage: fleetmint ${words.join(" ")}`));
    assert.match(out, /\nExamples:\n {2}# .+\n {2}fleetmint /, words.join(" "));
  }
});

test("a data folder that is none is named, with the command that makes one", async () => {
  const { code, err } = await runCommand(["thing", "list", "--data", "nowhere"]);
  assert.equal(code, 1);
  assert.match(err, /no data folder.*\n {2}where: .*nowhere\/admin\.json\n {2}fix: {3}.*fleetmint init --data nowhere/);
});

test("a data folder that nobody serves is told from one that is none", async () => {
  await using stopped = await startFixture();
  rmSync(join(stopped.data, "serve.json"));
  const { code, err } = await stopped.fleetmint("thing", "list");
  assert.equal(code, 1);
  assert.match(err, /No server runs.*\n.*serve\.json\n.*fleetmint serve --data/);
});

test("a server that has gone is unreachable, with the command that starts it", async () => {
  const gone = await startFixture();
  await gone[Symbol.asyncDispose]();
  const environment = { FLEETMINT_TOKEN: gone.token };
  const { code, err } = await runCommand(["thing", "list", "--server", gone.url], { environment });
  assert.equal(code, 1);
  assert.match(err, /\(unreachable\)[\s\S]*fleetmint serve/);
});

test("a server is found by URL, CA and token, from flags or from the environment", async () => {
  const { url, token, caFile } = fixture;
  const flags = ["thing", "list", "--server", url, "--ca", caFile];
  assert.equal((await runCommand(flags, { environment: { FLEETMINT_TOKEN: token } })).code, 0);
  const environment = { FLEETMINT_TOKEN: token, FLEETMINT_SERVER: url, FLEETMINT_CA: caFile };
  assert.equal((await runCommand(["thing", "list"], { environment })).code, 0);
  assert.equal((await runCommand(["thing", "list"], { environment: { FLEETMINT_DATA: fixture.data } })).code, 0);
});

test("with --data a server is trusted by the name that init gave it, whatever address it listens on", async () => {
  await using named = await startFixture("fleet.example");
  assert.deepEqual((await named.fleetmint("thing", "list")).code, 0);
  const environment = { FLEETMINT_TOKEN: named.token };
  const { err } = await runCommand(["thing", "list", "--server", named.url, "--ca", named.caFile], { environment });
  assert.match(err, /server_untrusted/);
});

test("a flag wins over the variable for another server", async () => {
  const environment = { FLEETMINT_SERVER: "https://wrong.example", FLEETMINT_TOKEN: "x" };
  assert.equal((await runCommand(["thing", "list", "--data", fixture.data], { environment })).code, 0);
});

test("a wrong token is refused and not repeated", async () => {
  const environment = { FLEETMINT_TOKEN: `fmt_${"canary".repeat(7)}x` };
  const { code, err } = await runCommand(["thing", "list", "--server", fixture.url, "--ca", fixture.caFile], {
    environment,
  });
  assert.equal(code, 1);
  assert.match(err, /\(unauthenticated\)/);
  assert.doesNotMatch(err, /canary/);
});

test("a server without the installation's CA is not trusted", async () => {
  const environment = { FLEETMINT_TOKEN: fixture.token };
  const { code, err } = await runCommand(["thing", "list", "--server", fixture.url], { environment });
  assert.equal(code, 1);
  assert.match(err, /\(server_untrusted\)/);
});

for (const [what, make] of [
  ["a file that does not exist", () => "nowhere.json"],
  ["a folder", () => fixture.folder],
  ["a file that is too large", () => fixture.file("large.json", "x".repeat(70_000))],
  ["a file that is no text", () => fixture.file("b.bin", Buffer.from([0xff, 0xfe]))],
] as const) {
  test(`${what} given as policy is refused by its path`, async () => {
    const path = make();
    const { code, err } = await fixture.fleetmint("policy", "apply", "p", "--file", path);
    assert.equal(code, 1);
    assert.ok(err.includes(`  where: ${path}\n`), err);
    assert.equal(err.split("\n").length, 4, "three lines");
  });
}

test("colour is used where it is wanted and nowhere else", async () => {
  const coloured = await runCommand(["thing", "list", "--data", fixture.data], { colour: true });
  assert.ok(coloured.out.includes("\u001b[32mactive"));
  const json = await runCommand(["thing", "list", "--data", fixture.data, "-o", "json"], { colour: true });
  assert.ok(!json.out.includes("\u001b"));
});

test("a narrow window cuts names, never states", async () => {
  const { out } = await runCommand(["thing", "list", "--data", fixture.data], { width: 69 });
  assert.match(out, /quarantined/);
  assert.match(out, /factory…/);
  for (const line of out.split("\n")) assert.ok([...line].length <= 69, line);
});

test("init passes host names on and says what comes next", async () => {
  const asked: unknown[] = [];
  const made = { dataFolder: "/d", hostNames: ["a", "b"], caFile: "/d/ca.pem", adminFile: "/d/admin.json" };
  const initialize = async (request: unknown) => {
    asked.push(request);
    return made;
  };
  const argv = ["init", "--data", "d", "--hostname", "a", "--hostname", "b"];
  const { code, out } = await runCommand(argv, {}, { initialize });
  assert.equal(code, 0);
  assert.deepEqual(asked, [{ folder: "d", hostNames: ["a", "b"], passphraseFile: undefined }]);
  assert.match(out, /Next: fleetmint serve --data d/);
  assert.deepEqual(JSON.parse((await runCommand([...argv, "-o", "json"], {}, { initialize })).out), made);
});

test("serve passes flags and environment on, prints a line per listener, and ends with the server", async () => {
  const asked: ServeRequest[] = [];
  const serve = async (request: ServeRequest) => {
    asked.push(request);
    request.say("devices on 8883");
    await request.untilStopped;
  };
  const argv = ["serve", "--data", fixture.data, "--mqtt-port", "0", "--ready-file", "r"];
  const environment = { FLEETMINT_HTTP_PORT: "1" };
  const { code, out } = await runCommand(argv, { environment }, { serve });
  assert.deepEqual([code, out], [0, "devices on 8883\n"]);
  assert.deepEqual({ ...asked[0]?.flags }, { mqttPort: 0, readyFile: "r" });
  assert.deepEqual(asked[0]?.environment, environment);
  const json = await runCommand([...argv, "-o", "json"], {}, { serve });
  assert.equal(JSON.parse(json.out).mqttPort, 1);
});

test("a fault of the server package is three lines like every other", async () => {
  const serve = async () => {
    throw new Fault("conflict", "Another server runs on this folder.");
  };
  const { code, err } = await runCommand(["serve", "--data", "d"], {}, { serve });
  assert.equal(code, 1);
  assert.match(
    err,
    /^error: Another server runs on this folder\. \(conflict\)\n {2}where: fleetmint serve\n {2}fix: {3}/,
  );
});

test("restore passes its files on without a server and says what comes next", async () => {
  const restore = async (request: unknown) => {
    assert.deepEqual(request, { folder: "d", backupFile: "b", checkpointFile: "c", passphraseFile: undefined });
    return { epoch: 2, notes: ["Claim claim-1 waits for reconciliation."] };
  };
  const restored = await runCommand(["restore", "--data", "d", "--from", "b", "--checkpoint", "c"], {}, { restore });
  assert.equal(restored.code, 0);
  assert.match(restored.out, /epoch +2[\s\S]*waits for reconciliation[\s\S]*Next: fleetmint serve/);
});

test("audit verify reads the lines, and says what was proved and what not", async () => {
  const lines: string[] = [];
  const verifyExport = async (given: AsyncIterable<string>): Promise<VerifyResult> => {
    for await (const line of given) lines.push(line);
    return { ok: true, origin: "fleet", entries: 2, checkpoints: 1, vouched: 2 };
  };
  const verified = await runCommand(
    ["audit", "verify", fixture.file("audit.ndjson", "one\ntwo\n")],
    {},
    { verifyExport },
  );
  assert.equal(verified.code, 0);
  assert.deepEqual(lines, ["one", "two"]);
  assert.match(verified.out, /The log holds[\s\S]*under 1 signed checkpoint[\s\S]*--key[\s\S]*--checkpoint/);
  const absent = await runCommand(["audit", "verify", "nowhere"], {}, { verifyExport });
  assert.equal(absent.code, 1);
  assert.match(absent.err, /does not exist[\s\S]*nowhere/);
  const noKey = ["audit", "verify", "x", "--key", fixture.file("key.pem", "no key")];
  assert.match((await runCommand(noKey, {}, { verifyExport })).err, /holds no public key[\s\S]*key\.pem/);
});

test("an export that does not hold is 1, and the place is named", async () => {
  const verifyExport = async (): Promise<VerifyResult> => ({
    ok: false,
    firstBadIndex: 7,
    problem: "The hash differs",
  });
  const argv = ["audit", "verify", fixture.file("audit.ndjson", "")];
  const { code, out } = await runCommand(argv, {}, { verifyExport });
  assert.equal(code, 1);
  assert.match(out, /does not hold at entry 7: The hash differs/);
  const json = await runCommand([...argv, "-o", "json"], {}, { verifyExport });
  assert.deepEqual([json.code, JSON.parse(json.out).firstBadIndex], [1, 7]);
});

test("a bug is 1, and shows its stack for the report", async () => {
  const serve = async () => {
    throw new TypeError("x is not a function");
  };
  const { code, err } = await runCommand(["serve", "--data", "d"], {}, { serve });
  assert.equal(code, 1);
  assert.match(err, /bug of ours[\s\S]*at Object\.serve/);
});
