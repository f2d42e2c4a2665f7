import assert from "node:assert/strict";
import { Duplex } from "node:stream";
import { test } from "node:test";
import { HeldFlight } from "./held-flight.ts";

function record(type: number, body: number[]): Buffer {
  return Buffer.from([type, 3, 3, body.length >> 8, body.length & 0xff, ...body]);
}

const HELLO = record(22, [1, 0, 0, 4, 1, 2, 3, 4]);
const SECOND_FLIGHT = record(23, [9, 9, 9]);

function world() {
  const sent: Buffer[] = [];
  const transport = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      sent.push(chunk);
      done();
    },
  });
  return { flight: new HeldFlight(transport), transport, bytes: () => Buffer.concat(sent) };
}

test("hellos, change cipher spec and alerts leave at once", () => {
  const { flight, bytes } = world();
  const allowed = Buffer.concat([HELLO, record(20, [1]), HELLO, record(21, [1, 0])]);
  flight.write(allowed);
  assert.deepEqual(bytes(), allowed);
});

test("a hello cut into pieces leaves, and what follows it in the same chunk is held", () => {
  const { flight, bytes } = world();
  flight.write(HELLO.subarray(0, 8));
  flight.write(Buffer.concat([HELLO.subarray(8), SECOND_FLIGHT]));
  assert.deepEqual(bytes(), HELLO);
});

test("nothing leaves after the first held record, not even another hello, until released; then all in order", async () => {
  const { flight, bytes } = world();
  flight.write(HELLO);
  flight.write(SECOND_FLIGHT);
  flight.write(HELLO);
  assert.deepEqual(bytes(), HELLO);
  flight.release();
  await new Promise((resolve) => flight.write(record(23, [7]), resolve));
  assert.deepEqual(bytes(), Buffer.concat([HELLO, SECOND_FLIGHT, HELLO, record(23, [7])]));
});

test("a handshake message that is no hello is held: a certificate in the clear, or a header without its first byte", () => {
  for (const first of [record(22, [11, 0, 0, 0]), HELLO.subarray(0, 5)]) {
    const { flight, bytes } = world();
    flight.write(first);
    flight.write(HELLO);
    assert.equal(bytes().length, 0);
  }
});

test("a client that writes without end before it is released is cut off", async () => {
  const { flight } = world();
  const failed = new Promise((resolve) => flight.once("error", resolve));
  flight.write(Buffer.concat([SECOND_FLIGHT, Buffer.alloc(129 * 1024)]));
  assert.match(String(await failed), /more before the server was checked/);
});
