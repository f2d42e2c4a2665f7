import assert from "node:assert/strict";
import { test } from "node:test";
import { encodePacket, MqttProtocolError, type Packet, PacketReader, type ProtocolVersion } from "@fleetmint/mqtt";
import { SEQUENCES_FOLDER, SEQUENCES_SKIP } from "./data-folder.ts";
import { EXPECTED_DIFFERENCES } from "./expected-differences.ts";
import { loadSequences, type Sequence } from "./sequence.ts";

const LIMITS = { packetBytes: 16_384, userProperties: 16, filtersPerPacket: 16 };

interface Reading {
  readonly packets: readonly Packet[];
  readonly fault: MqttProtocolError | undefined;
}

/** What the decoder alone makes of all that a sequence sends. */
function read(sequence: Sequence): Reading {
  const reader = new PacketReader("server", LIMITS);
  const packets: Packet[] = [];
  try {
    if (!sequence.connects) reader.push(opening(sequence.version as ProtocolVersion), () => {});
    for (const step of sequence.steps) {
      if (step.type === "send") reader.push(step.bytes, (packet) => packets.push(packet));
    }
  } catch (error) {
    assert.ok(error instanceof MqttProtocolError, String(error));
    return { packets, fault: error };
  }
  return { packets, fault: undefined };
}

function opening(version: ProtocolVersion): Uint8Array {
  return encodePacket({ type: "connect", version, clientId: "c", clean: true, keepAlive: 60 }, version);
}

/** The reason code of the DISCONNECT that a sequence wants, if it wants one. */
function wantedReason({ steps }: Sequence): number | undefined {
  const farewell = steps.find((step) => step.type === "recv" && step.bytes[0] === 0xe0);
  return farewell?.type === "recv" ? farewell.bytes[2] : undefined;
}

function isExpected({ group, name }: Sequence): boolean {
  return EXPECTED_DIFFERENCES.some((expected) => expected.group === group && expected.name === name);
}

/** Closing is for the session to decide: it knows what was announced, subscribed to and is on its way. */
function isForTheSession({ group, name }: Sequence, { packets }: Reading): boolean {
  if (packets.at(-1)?.type === "disconnect") return true;
  if (group.endsWith("FLOW")) return true;
  return [
    "10 empty client ID clean false [MQTT-3.1.3-7]",
    "tiny max packet",
    "unsupported authentication method",
    "topic alias > max topic alias",
  ].includes(name);
}

async function sequences(): Promise<Sequence[]> {
  // A connection that opens with MQTT 3.1 never gets to what these test.
  return (await loadSequences(SEQUENCES_FOLDER)).filter(({ version }) => version !== 3);
}

test("the decoder takes every sequence that must survive", { skip: SEQUENCES_SKIP }, async () => {
  const refused = (await sequences())
    .filter((one) => !one.closes && !isExpected(one))
    .map((one) => `${one.group} ${one.name}: ${read(one).fault?.message}`)
    .filter((line) => !line.endsWith(": undefined"));
  assert.deepEqual(refused, []);
});

test("the decoder refuses every sequence that must end, where it alone can know", {
  skip: SEQUENCES_SKIP,
}, async () => {
  const taken = (await sequences())
    .map((one) => ({ one, reading: read(one) }))
    .filter(({ one, reading }) => one.closes && reading.fault === undefined && !isForTheSession(one, reading))
    .map(({ one }) => `${one.group} ${one.name}`);
  assert.deepEqual(taken, []);
});

test("the decoder's reason codes are the wanted ones", { skip: SEQUENCES_SKIP }, async () => {
  const wrong = (await sequences())
    .map((one) => ({ one, wanted: wantedReason(one), got: read(one).fault?.reasonCode }))
    .filter(({ wanted, got }) => wanted !== undefined && got !== undefined && wanted !== got)
    .map(({ one, wanted, got }) => `${one.group} ${one.name}: wanted ${wanted}, got ${got}`);
  assert.deepEqual(wrong, []);
});

test("every expected difference names a sequence, and they are fewer than 5 %", { skip: SEQUENCES_SKIP }, async () => {
  const all = await loadSequences(SEQUENCES_FOLDER);
  assert.equal(all.length, 1_482);
  for (const { group, name } of EXPECTED_DIFFERENCES) {
    assert.ok(
      all.some((one) => one.group === group && one.name === name),
      `${group} ${name}`,
    );
  }
  assert.ok(all.filter(isExpected).length < all.length * 0.05);
});
