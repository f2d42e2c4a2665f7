import type { Duplex } from "node:stream";
import { type ConnackPacket, encodePacket, PacketReader, type ProtocolVersion } from "@fleetmint/mqtt";
import type { Sequence, Step } from "./sequence.ts";
import { type Patience, SequenceSocket } from "./sequence-socket.ts";

export interface PlayPorts {
  readonly dial: () => Promise<Duplex>;
  readonly patience: Patience;
}

/** Plays one sequence on a connection of its own. Throws with what was wanted and what came. */
export async function playSequence(sequence: Sequence, ports: PlayPorts): Promise<void> {
  const socket = new SequenceSocket(await ports.dial(), ports.patience);
  try {
    if (!sequence.connects) await connectFirst(socket, sequence);
    for (const step of sequence.steps) await playStep(step, socket, ports);
    if (sequence.closes) await socket.expectClose();
    else await expectAlive(socket);
  } finally {
    socket.destroy();
  }
}

async function connectFirst(socket: SequenceSocket, { index, version }: Sequence): Promise<void> {
  const name = lengthFirst(Buffer.from(version === 3 ? "MQIsdp" : "MQTT"));
  const properties = version === 5 ? [0] : [];
  const clientId = lengthFirst(Buffer.from(`sequence-${index}`));
  const body = Buffer.concat([name, Buffer.from([version, 0x02, 0, 60, ...properties]), clientId]);
  socket.send(Buffer.concat([Buffer.from([0x10, body.length]), body]));
  const connack = await socket.packet();
  if (connack[0] !== 0x20 || connack[3] !== 0) throw new Error(`the opening CONNECT got ${connack.toString("hex")}`);
}

function lengthFirst(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}

async function playStep(step: Step, socket: SequenceSocket, ports: PlayPorts): Promise<void> {
  if (step.type === "send") socket.send(step.bytes);
  else if (step.type === "publish") await publishMeanwhile(step, ports);
  else if (step.bytes[0] === 0x20) await expectConnack(step.bytes, socket);
  else await socket.expect(step.bytes);
}

/**
 * What a server announces in CONNACK is its own choice, so only the verdict is compared. The rest must be a CONNACK that
 * a strict client accepts.
 */
async function expectConnack(wanted: Buffer, socket: SequenceSocket): Promise<void> {
  const version = wanted.length === 4 ? 4 : 5;
  const got = await socket.packet();
  const [wantedVerdict, gotVerdict] = [wanted, got].map((bytes) => verdictOf(bytes, version));
  if (wantedVerdict !== gotVerdict) throw new Error(`wanted CONNACK ${wantedVerdict}, got ${gotVerdict}`);
}

function verdictOf(bytes: Buffer, version: ProtocolVersion): string {
  const reader = new PacketReader("client", { packetBytes: 65_536, userProperties: 16, filtersPerPacket: 16 });
  reader.version = version;
  let connack: ConnackPacket | undefined;
  reader.push(bytes, (packet) => {
    if (packet.type === "connack") connack = packet;
  });
  return `reason ${connack?.reasonCode}, session present ${connack?.sessionPresent}`;
}

/** The helper client of the FLOW sequences. */
async function publishMeanwhile(step: Extract<Step, { type: "publish" }>, ports: PlayPorts): Promise<void> {
  const helper = new SequenceSocket(await ports.dial(), ports.patience);
  try {
    helper.send(encodePacket({ type: "connect", version: 4, clientId: "helper", clean: true, keepAlive: 60 }, 4));
    await helper.packet();
    const payload = Buffer.from(step.payload);
    const message = { type: "publish", topic: step.topic, payload, retain: false, duplicate: false } as const;
    helper.send(encodePacket({ ...message, qos: step.qos, packetId: 1, properties: {} }, 4));
    if (step.qos === 1) await helper.expect(Buffer.from([0x40, 2, 0, 1]));
    if (step.qos === 2) await finishExactlyOnce(helper);
    helper.send(encodePacket({ type: "disconnect", reasonCode: 0 }, 4));
    await helper.expectClose();
  } finally {
    helper.destroy();
  }
}

async function finishExactlyOnce(helper: SequenceSocket): Promise<void> {
  await helper.expect(Buffer.from([0x50, 2, 0, 1]));
  helper.send(Buffer.from([0x62, 2, 0, 1]));
  await helper.expect(Buffer.from([0x70, 2, 0, 1]));
}

/** A good-bye leaves neither a will nor a session to the sequences that follow. */
async function expectAlive(socket: SequenceSocket): Promise<void> {
  socket.send(Buffer.from([0xc0, 0x00]));
  await socket.expect(Buffer.from([0xd0, 0x00]));
  socket.send(Buffer.from([0xe0, 0x00]));
  await socket.expectClose();
}
