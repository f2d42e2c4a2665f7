import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import { type Client, createClient, FleetmintError, items } from "@fleetmint/sdk";
import { OPERATION_NAMES, type Operation, operations } from "@fleetmint/wire/v1";
import { EXAMPLES, startApi } from "./started-api.ts";

test("every operation can be called and resolves with its documented value", async () => {
  await using api = await startApi();
  await using client = createClient(api);
  const methods = client as unknown as Record<string, (input: object) => Promise<unknown>>;
  for (const name of OPERATION_NAMES) {
    const operation: Operation = operations[name];
    const answer = await methods[name]!(EXAMPLES[name]);
    if (operation.lines === true) {
      for await (const line of answer as AsyncIterable<string>) operation.response.parse(JSON.parse(line));
    } else {
      operation.response.parse(answer);
    }
  }
});

test("path, query and body fields reach the domain from one flat input", async () => {
  await using api = await startApi();
  await using client = createClient(api);
  await client.quarantineThing({ thingName: "sensor-1", quarantined: true });
  const [name, request] = api.calls[0]!;
  assert.equal(name, "quarantineThing");
  assert.equal((request as { quarantined: boolean }).quarantined, true);
});

test("items walks all pages of a list", async () => {
  await using api = await startApi();
  await using client = createClient(api);
  const names: string[] = [];
  for await (const thing of items(client.listThings, { limit: 1 })) names.push(thing.thingName);
  assert.deepEqual(names, ["sensor-1", "sensor-2"]);
});

test("a refusal carries the server's code, status, sentence and remedy", async () => {
  await using api = await startApi();
  await using client = createClient(api);
  await assert.rejects(client.getThing({ thingName: "nobody" }), (error: FleetmintError) => {
    assert.ok(error instanceof FleetmintError);
    assert.deepEqual([error.code, error.status], ["not_found", 404]);
    assert.match(error.message, /no thing "nobody"/);
    assert.match(error.remedy, /List them/);
    return true;
  });
});

test("a misspelt field is named by the server", async () => {
  await using api = await startApi();
  await using client = createClient(api);
  const input = { groupName: "a", perent: "b" };
  await assert.rejects(client.createGroup(input), { code: "request_invalid", message: /"perent"/ });
});

test("a server under another CA gets neither token nor request", async () => {
  await using api = await startApi();
  await using other = await startApi();
  await using client = createClient({ ...api, caFile: other.caFile });
  await assert.rejects(client.retireThing({ thingName: "sensor-1" }), { code: "server_untrusted", status: 0 });
  assert.deepEqual(api.calls, []);
});

test("a server without a pinned CA is not trusted because it is ours", async () => {
  await using api = await startApi();
  await using client = createClient({ url: api.url, token: api.token });
  await assert.rejects(client.listThings(), { code: "server_untrusted" });
});

test("a server whose certificate carries another name is not trusted", async () => {
  await using api = await startApi();
  await using client = createClient({ ...api, serverName: "other.example" });
  await assert.rejects(client.listThings(), { code: "server_untrusted" });
  await using named = createClient({ ...api, serverName: "localhost" });
  assert.equal((await named.listThings()).items.length, 2);
});

test("nobody at the address is unreachable, with what to do", async () => {
  const port = await freePort();
  await using client = createClient({ url: `https://127.0.0.1:${port}`, token: "x", ca: "" });
  await assert.rejects(client.listThings(), { code: "unreachable", remedy: /fleetmint serve/ });
});

for (const url of ["http://127.0.0.1:1", "127.0.0.1:8443", "https://user:pass@host", "https://host/path", ""]) {
  test(`"${url}" is refused as an address`, () => {
    assert.throws(() => createClient({ url, token: "x" }), { code: "input_invalid" });
  });
}

test("a CA file that cannot be read is named", () => {
  const options = { url: "https://host", token: "x", caFile: "nowhere/ca.pem" };
  assert.throws(() => createClient(options), { code: "input_invalid", message: /nowhere\/ca\.pem/ });
});

function answering(response: () => Response, seen: Request[] = []): Client {
  const fetch = async (request: Request) => {
    seen.push(request);
    return response();
  };
  return createClient({ url: "https://host", token: "fmt_secret", fetch });
}

test("names are escaped into the path, and one that would leave it is refused unsent", async () => {
  const seen: Request[] = [];
  const client = answering(() => Response.json({}), seen);
  await client.releaseThing({ thingName: "a/../b?c" });
  assert.equal(new URL(seen[0]!.url).pathname, "/v1/things/a%2F..%2Fb%3Fc/release");
  for (const thingName of ["", ".", ".."]) {
    await assert.rejects(client.releaseThing({ thingName }), { code: "input_invalid" });
  }
  assert.equal(seen.length, 1);
});

test("what answers without being Fleetmint is said to be something else", async () => {
  for (const response of [
    () => new Response("<html>", { status: 200 }),
    () => new Response("<html>", { status: 502 }),
    () => Response.json({ error: "nope" }, { status: 404 }),
    () => new Response(null, { status: 302, headers: { location: "https://evil.example/" } }),
  ]) {
    await assert.rejects(answering(response).listThings(), { code: "answer_invalid" });
  }
});

test("lines that arrive in pieces are put together", async () => {
  const bytes = new TextEncoder().encode('{"a":"ü"}\n{"b":2}\nlast');
  const pieces = () => new Response(ReadableStream.from([...bytes].map((byte) => new Uint8Array([byte]))));
  const lines: string[] = [];
  for await (const line of await answering(pieces).exportAudit()) lines.push(line);
  assert.deepEqual(lines, ['{"a":"ü"}', '{"b":2}', "last"]);
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
