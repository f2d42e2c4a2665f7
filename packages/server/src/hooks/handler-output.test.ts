import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { finished } from "node:stream/promises";
import { describe, it } from "node:test";
import { ManualClock } from "../kit/clock.ts";
import { captureOutput } from "./handler-output.ts";

async function capture(chunks: readonly (string | Buffer)[], clock = new ManualClock()): Promise<string[]> {
  const lines: string[] = [];
  const stream = new PassThrough();
  captureOutput(stream, clock, (line) => lines.push(line));
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  await finished(stream);
  return lines;
}

describe("a handler's output", () => {
  it("comes line by line, however it is cut", async () => {
    const euro = Buffer.from("€");
    assert.deepEqual(await capture(["a", "b\nc\n\n", euro.subarray(0, 1), euro.subarray(1), "end"]), [
      "ab",
      "c",
      "€end",
    ]);
  });

  it("is cut where a line is long, and never grows without bound", async () => {
    const lines = await capture([...Array.from({ length: 100 }, () => "x".repeat(60_000)), "\nnext\n"]);
    assert.equal(lines.length, 2);
    assert.equal(lines[0]?.length, 2049);
    assert.equal(lines[1], "next");
  });

  it("is dropped beyond 200 lines in ten seconds, and says so once", async () => {
    const clock = new ManualClock();
    const lines: string[] = [];
    const stream = new PassThrough();
    captureOutput(stream, clock, (line) => lines.push(line));
    stream.write("spam\n".repeat(1_000));
    clock.advance(10_000);
    stream.write("later\n");
    stream.end();
    await finished(stream);
    assert.equal(lines.length, 202);
    assert.match(lines[200] ?? "", /more than 200 lines in 10 s; the rest is dropped/);
    assert.equal(lines[201], "later");
  });

  it("holds no private key, printed in lines or as one long text", async () => {
    const pem = `-----BEGIN RSA PRIVATE KEY-----\n${"MIIEowIBAAKCAQEA".repeat(200)}\n-----END RSA PRIVATE KEY-----`;
    const lines = await capture([`${pem}\nafter\n`, `${JSON.stringify({ pem })} more\n`, "last\n"]);
    assert.ok(!lines.join().includes("MIIEow"));
    assert.ok(lines.includes("after") && lines.includes("last"));
  });
});
