// No secret is written down: canaries go in through every field that a device or an operator can fill, and then everything that the
// server keeps, logs and answers is searched for them, in every form in which they might stand there.
import assert from "node:assert/strict";
import { createHash, createPrivateKey, randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { generateEcKey } from "@fleetmint/pki";
import { createClient, FleetmintError } from "@fleetmint/sdk";
import { createLog, onFaultPoint } from "@fleetmint/server";
import { awsTopics } from "@fleetmint/wire";
import {
  applySimpleTemplate,
  createClaim,
  createFromCsr,
  createKeys,
  csrFor,
  RawConnection,
  Rejected,
  registerThing,
  requestWithCsr,
  SIMPLE_TEMPLATE,
  SimulatedDevice,
  startWorld,
  type World,
} from "../src/index.ts";

const canaries = new Map<string, readonly Buffer[]>();
const answers: string[] = [];
const logLines: string[] = [];

/** A secret of text: looked for as it is, in pieces, and as other encodings would show it. */
function plantText(name: string, text: string): string {
  const pieces = [text, text.slice(0, 16), text.slice(-16)];
  const bytes = Buffer.from(text);
  const forms = [...pieces, bytes.toString("hex"), bytes.toString("base64").slice(0, 20)];
  canaries.set(name, [...forms.map((form) => Buffer.from(form)), Buffer.from(text, "base64url").subarray(0, 24)]);
  return text;
}

/** A private key: its text in pieces, and the number that it is. */
function plantKey(name: string, pem: string): string {
  const body = pem.replace(/-----[^-]+-----|\s/g, "");
  // 36 bytes of PKCS#8 say that it is P-256; the secret follows, over the end of the first line.
  const pieces = [body.slice(48, 64), body.slice(64, 88)];
  const scalar = Buffer.from(createPrivateKey(pem).export({ format: "jwk" }).d as string, "base64url");
  const forms = [...pieces, ...(["hex", "base64", "base64url"] as const).map((form) => scalar.toString(form))];
  canaries.set(name, [...forms.map((form) => Buffer.from(form)), scalar]);
  return pem;
}

function found(place: string, content: Uint8Array | string): string[] {
  const bytes = Buffer.from(content);
  return [...canaries].flatMap(([name, forms]) =>
    forms.some((form) => bytes.includes(form)) ? [`${name} in ${place}`] : [],
  );
}

/** Remembers what the refusal said, and that it was one. */
async function refused(request: Promise<unknown>): Promise<void> {
  await assert.rejects(request, (error) => {
    assert.ok(error instanceof Rejected || error instanceof FleetmintError, String(error));
    answers.push(JSON.stringify({ ...error, message: error.message }));
    return true;
  });
}

/** Code that makes this text, without the text. */
const spelled = (text: string) =>
  `Buffer.from("${Buffer.from(text).reverse().toString("hex")}", "hex").reverse().toString()`;

describe("no secret is written down", () => {
  let world: World;

  before(async () => {
    const log = createLog({ level: "info", destination: { write: (line: string) => void logLines.push(line) } });
    world = await startWorld({ log, settings: { hookNetworks: ["127.0.0.0/8"] } });
    await applySimpleTemplate(world);
    const { token } = JSON.parse(readFileSync(join(world.folder, "admin.json"), "utf8")) as { token: string };
    plantText("the administrator's token", token.slice(4));
  });
  after(() => world.close());

  const connect = async () => {
    const claim = await createClaim(world);
    plantKey(`the key of ${claim.claimId}`, claim.privateKeyPem);
    return SimulatedDevice.connect(world.target, claim, { clientId: `c${randomBytes(4).toString("hex")}` });
  };
  const redeemWith = (
    device: SimulatedDevice,
    token: string,
    parameters: Record<string, string>,
    template = "simple",
  ) => registerThing(device, { template, token, parameters });
  const tokenOf = async (device: SimulatedDevice) => {
    const { ownershipToken } = await createFromCsr(device);
    return plantText(`an ownership token (${canaries.size})`, ownershipToken);
  };

  test("keys made for devices, their tokens, and a token that is used twice", async () => {
    await using device = await connect();
    const made = await createKeys(device);
    plantKey("a key made for a device", made.privateKeyPem);
    plantText("its ownership token", made.ownershipToken);
    await redeemWith(device, made.ownershipToken, { SerialNumber: "one" });
    await refused(redeemWith(device, made.ownershipToken, { SerialNumber: "two" }));
    await using own = await RawConnection.open(world.target, made);
    await own.connect({ clientId: "dev-one" });
    await refused(redeemWith(device, plantText("a token that is not ours", randomBytes(32).toString("base64url")), {}));
  });

  test("a private key where a parameter, a parameter's name or a CSR's subject should be", async () => {
    await using device = await connect();
    const pem = plantKey("a device's own key", generateEcKey().privateKeyPem);
    await refused(redeemWith(device, await tokenOf(device), { SerialNumber: "x", Location: pem }));
    await refused(redeemWith(device, await tokenOf(device), { SerialNumber: pem }));
    await refused(redeemWith(device, await tokenOf(device), { SerialNumber: pem.replace(/\s|[+/]/g, "-") }));
    await refused(redeemWith(device, await tokenOf(device), { SerialNumber: `key ${pem.replace(/\s/g, "")}` }));
    await redeemWith(device, await tokenOf(device), { SerialNumber: "undeclared", key: pem, [pem]: "x" });
    const body = pem.split("\n")[1]!.slice(0, 60);
    await requestWithCsr(device, await csrFor(generateEcKey().privateKey, { commonName: body }));
    await refused(requestWithCsr(device, pem));
  });

  test("a token in a payload that cannot be read", async () => {
    await using device = await connect();
    const token = await tokenOf(device);
    const topics = awsTopics.registerThing("simple", "json");
    await device.client.subscribe([{ filter: topics.accepted }, { filter: topics.rejected }]);
    const payloads = [
      `{"certificateOwnershipToken":"${token}"x}`,
      `{"certificateOwnershipToken":"${token}`,
      `"${token}"`,
      `{"certificateOwnershipToken":["${token}"]}`,
      `{"certificateOwnershipToken":"${token}","parameters":{"SerialNumber":{"a":"${token}"}}}`,
      `${token}`,
    ];
    for (const payload of payloads) {
      const answer = device.nextMessage(({ topic }) => topic === topics.rejected);
      await device.client.publish({ topic: topics.request, payload, qos: 1 });
      answers.push(Buffer.from((await answer).payload).toString());
    }
  });

  test("what a hook throws, prints and answers", async () => {
    const pem = plantKey("a key that the hook met", generateEcKey().privateKeyPem);
    const template = async (code: string) => {
      const templateName = `hook-${randomBytes(4).toString("hex")}`;
      const source = `const pem = ${spelled(pem)}; export const handler = async (event) => { ${code} };`;
      const hook = { kind: "handler", fileName: "hook.mjs", source } as const;
      await world.admin.applyTemplate({ templateName, body: JSON.stringify(SIMPLE_TEMPLATE), hook });
      return templateName;
    };
    const codes = [
      "throw new Error(`cannot use ${pem}`);",
      "console.log(pem); console.error({ pem }); throw pem;",
      "throw Object.assign(new Error('x'), { pem, cause: pem });",
      "return { allowProvisioning: pem };",
      "return pem;",
    ];
    for (const code of codes) {
      const templateName = await template(code);
      const claim = await createClaim(world, { templates: [templateName] });
      await using device = await SimulatedDevice.connect(world.target, claim, { clientId: "hooked" });
      await refused(redeemWith(device, await tokenOf(device), { SerialNumber: "hooked" }, templateName));
      answers.push(JSON.stringify(await world.admin.explainTemplate({ templateName })));
    }
  });

  test("a webhook's secret", async () => {
    const hook = { kind: "webhook", url: "https://127.0.0.1:1443/hook" } as const;
    const body = JSON.stringify(SIMPLE_TEMPLATE);
    const { hookSecret } = await world.admin.applyTemplate({ templateName: "webhook", body, hook });
    plantText("the webhook's secret", hookSecret!);
    const claim = await createClaim(world, { templates: ["webhook"] });
    await using device = await SimulatedDevice.connect(world.target, claim, { clientId: "webhooked" });
    await refused(redeemWith(device, await tokenOf(device), { SerialNumber: "w" }, "webhook"));
  });

  test("a bug whose message holds a key and a token", async () => {
    await using device = await connect();
    const token = await tokenOf(device);
    const pem = plantKey("a key in a bug's message", generateEcKey().privateKeyPem);
    onFaultPoint((point) => {
      if (point !== "plan-evaluated") return;
      onFaultPoint(undefined);
      throw new Error(`with ownershipToken=${token}`, { cause: new Error(pem) });
    });
    await refused(redeemWith(device, token, { SerialNumber: "bug" }));
  });

  test("an administrator's token that is wrong, and one in the wrong place", async () => {
    const token = `fmt_${plantText("a wrong administrator's token", randomBytes(32).toString("base64url"))}`;
    const url = `https://localhost:${world.server.httpPort}`;
    await using stranger = createClient({ url, token, ca: world.target.caPem });
    await refused(stranger.listThings({}));
    await refused(world.admin.createGroup({ groupName: token, token } as never));
    await refused(world.admin.getThing({ thingName: `${token}?` }));
  });

  test("nothing of it is in the database, a backup, the log, attempts, events, the audit export or any answer", async () => {
    const backup = join(world.folder, "..", "backup.db");
    await world.admin.createBackup({ path: backup });
    const records = await Promise.all([
      world.admin.listEvents({}),
      world.admin.listClaims(),
      world.admin.listThings({}),
      world.admin.listTemplates(),
      world.admin.getTemplate({ templateName: "webhook" }),
      world.admin.listCertificates({}),
      world.admin.listAuditEntries({}),
    ]);
    const attempts = await Promise.all(
      (await world.admin.listAttempts({})).items.map(({ id }) => world.admin.getAttempt({ attemptId: id })),
    );
    const exported: string[] = [];
    for await (const line of await world.admin.exportAudit()) exported.push(line);
    assert.ok(canaries.size > 20 && attempts.length > 15 && exported.length > 10 && logLines.length > 3);
    const files = ["fleetmint.db", "fleetmint.db-wal"].map((name) =>
      found(name, readFileSync(join(world.folder, name))),
    );
    assert.deepEqual(
      [
        ...files.flat(),
        ...found("the backup", readFileSync(backup)),
        ...found("the log", logLines.join("")),
        ...found("attempts", JSON.stringify(attempts)),
        ...found("the other records", JSON.stringify(records)),
        ...found("the audit export", exported.join("\n")),
        ...found("an error's answer", answers.join("\n")),
      ],
      [],
    );
  });

  test("no file of the data folder holds a key in the clear, and the search would have found one", () => {
    const files = readdirSync(world.folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    assert.ok(files.length > 8);
    for (const { parentPath, name } of files) {
      const content = readFileSync(join(parentPath, name), "latin1");
      assert.doesNotMatch(content, /-----BEGIN (?:EC |RSA )?PRIVATE KEY-----\n?M/, name);
    }
    const { privateKeyPem } = generateEcKey();
    plantKey("planted", privateKeyPem);
    assert.deepEqual(found("a heap", `… ${privateKeyPem} …`), ["planted in a heap"]);
    const token = plantText("planted token", randomBytes(32).toString("base64url"));
    assert.deepEqual(found("a heap", `{"token":"${token}"}`), ["planted token in a heap"]);
    assert.deepEqual(found("a heap", createHash("sha256").update(token).digest()), []);
  });
});
