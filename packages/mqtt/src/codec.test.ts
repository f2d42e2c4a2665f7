import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodePacket } from "./encode-packet.ts";
import { PacketReader } from "./packet-reader.ts";
import type { Packet } from "./packets.ts";
import { MqttProtocolError } from "./protocol-error.ts";
import { arbitrarySample, type Sample } from "./testing/arbitrary-packet.ts";
import { primedReader, ROOMY } from "./testing/primed-reader.ts";

function readerFor({ packet, reader, version }: Sample): PacketReader {
  if (packet.type !== "connect" && packet.type !== "connack") return primedReader(reader, version);
  const fresh = new PacketReader(reader, ROOMY);
  fresh.version = version;
  return fresh;
}

function readAll(reader: PacketReader, chunks: Iterable<Uint8Array>): Packet[] {
  const packets: Packet[] = [];
  for (const chunk of chunks) reader.push(chunk, (packet) => packets.push(packet));
  return packets;
}

test("every packet reads back as it was written, in both versions", () => {
  fc.assert(
    fc.property(arbitrarySample(), (sample) => {
      const bytes = encodePacket(sample.packet, sample.version);
      assert.deepEqual(readAll(readerFor(sample), [bytes]), [sample.packet]);
    }),
    { numRuns: 1_000 },
  );
});

test("a packet split at any byte reads the same", () => {
  fc.assert(
    fc.property(arbitrarySample(), (sample) => {
      const bytes = encodePacket(sample.packet, sample.version);
      for (let at = 0; at <= bytes.length; at++) {
        const reader = readerFor(sample);
        assert.deepEqual(readAll(reader, [bytes.subarray(0, at), bytes.subarray(at)]), [sample.packet]);
        assert.equal(reader.bufferedBytes, 0);
      }
    }),
    { numRuns: 100 },
  );
});

test("a stream of packets cut into random chunks reads the same", () => {
  const stream = fc.array(
    arbitrarySample().filter(
      ({ reader, version, packet }) => reader === "server" && version === 5 && packet.type !== "connect",
    ),
    { minLength: 1, maxLength: 8 },
  );
  fc.assert(
    fc.property(stream, fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (samples, sizes) => {
      const packets = samples.map(({ packet }) => packet).filter(({ type }) => type !== "disconnect");
      const bytes = Buffer.concat(packets.map((packet) => encodePacket(packet, 5)));
      assert.deepEqual(readAll(primedReader("server", 5), chunksOf(bytes, sizes)), packets);
    }),
    { numRuns: 200 },
  );
});

function* chunksOf(bytes: Buffer, sizes: readonly number[]): Generator<Buffer> {
  let at = 0;
  for (let turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] as number;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

const SMALL = { packetBytes: 64, userProperties: 4, filtersPerPacket: 4 };

/** Bytes of a valid packet with some of them changed, which get further into a decoder than pure noise. */
const damaged = fc
  .tuple(arbitrarySample(), fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }))
  .map(([{ packet, version }, changes]) => {
    const bytes = Buffer.from(encodePacket(packet, version));
    for (const [at, value] of changes) bytes[at % bytes.length] = value;
    return bytes;
  });

const noise = fc.oneof(
  fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
  damaged,
);

test("arbitrary bytes raise nothing but protocol errors and are never held beyond the limit", () => {
  const connection = fc.record({
    role: fc.constantFrom("server" as const, "client" as const),
    version: fc.constantFrom(4 as const, 5 as const),
    primed: fc.boolean(),
    chunks: fc.array(noise, { minLength: 1, maxLength: 3 }),
  });
  fc.assert(
    fc.property(connection, ({ role, version, primed, chunks }) => {
      const reader = primed ? primedReader(role, version, SMALL) : new PacketReader(role, SMALL);
      try {
        for (const chunk of chunks) {
          reader.push(chunk, () => {});
          assert.ok(reader.bufferedBytes <= SMALL.packetBytes);
        }
      } catch (error) {
        assert.ok(error instanceof MqttProtocolError, String(error));
      }
    }),
    { numRuns: 5_000 },
  );
});

test("whatever a damaged packet reads as can be written and reads the same again", () => {
  fc.assert(
    fc.property(damaged, fc.constantFrom(4 as const, 5 as const), (bytes, version) => {
      const packets: Packet[] = [];
      try {
        primedReader("server", version).push(bytes, (packet) => packets.push(packet));
      } catch (error) {
        assert.ok(error instanceof MqttProtocolError, String(error));
      }
      for (const packet of packets) {
        assert.deepEqual(readAll(primedReader("server", version), [encodePacket(packet, version)]), [packet]);
      }
    }),
    { numRuns: 2_000 },
  );
});
