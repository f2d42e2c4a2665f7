import assert from "node:assert/strict";
import { type Duplex, duplexPair } from "node:stream";
import { test } from "node:test";
import { playSequence } from "./play-sequence.ts";
import type { Sequence, Step } from "./sequence.ts";
import type { Patience } from "./sequence-socket.ts";

const CONNACK_5 = "20 06 00 00 03 21 00 0a";

function bytes(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(" ", ""), "hex");
}

function send(hex: string): Step {
  return { type: "send", bytes: bytes(hex) };
}

function receive(hex: string): Step {
  return { type: "recv", bytes: bytes(hex) };
}

function sequence(steps: readonly Step[], rest: Partial<Sequence> = {}): Sequence {
  return { index: 0, group: "g", name: "n", version: 5, connects: false, steps, closes: false, ...rest };
}

/** A server that answers each chunk it is sent by the first rule whose bytes begin it; "" closes. */
function server(rules: Readonly<Record<string, string>>): () => Promise<Duplex> {
  return async () => {
    const [near, far] = duplexPair();
    far.on("data", (chunk: Buffer) => {
      const rule = Object.entries({ "10": CONNACK_5, c0: "d000", e0: "", ...rules }).find(([start]) =>
        chunk.toString("hex").startsWith(start),
      );
      if (rule === undefined) return;
      if (rule[1] === "") far.end();
      else far.write(bytes(rule[1]));
    });
    far.on("end", () => far.end());
    return near;
  };
}

/** A wait that is over when the event loop has nothing else to do. */
const impatient: Patience = (expire) => {
  const handle = setImmediate(() => setImmediate(expire));
  return () => clearImmediate(handle);
};

const patient: Patience = () => () => {};

test("a sequence passes when each answer and the ping come as wanted", async () => {
  const dial = server({ "82": "90 04 12 34 00 01" });
  const steps = [send("82 07 1234 00 0001 70 01"), receive("90 04 12 34 00 01")];
  await playSequence(sequence(steps), { dial, patience: patient });
});

test("a wrong byte fails at once and names both", async () => {
  const ports = { dial: server({ "82": "90 04 12 34 00 02" }), patience: patient };
  const steps = [send("82 07 1234 00 0001 70 01"), receive("90 04 12 34 00 01")];
  await assert.rejects(playSequence(sequence(steps), ports), {
    message: "wanted 900412340001, got 900412340002, still connected",
  });
});

test("a server that should close and stays fails, and so does one that says something first", async () => {
  const closes = sequence([send("30 00")], { closes: true });
  await assert.rejects(playSequence(closes, { dial: server({}), patience: impatient }), {
    message: "wanted the end, got nothing, still connected",
  });
  await assert.rejects(playSequence(closes, { dial: server({ "30": "e0 01 81" }), patience: patient }), /got e00181/);
  await playSequence(closes, { dial: server({ "30": "" }), patience: patient });
});

test("a server that closes without the wanted answer fails", async () => {
  const ports = { dial: server({ "30": "" }), patience: patient };
  await assert.rejects(playSequence(sequence([send("30 00"), receive("e0 01 81")]), ports), /got nothing and the end/);
});

test("what a server announces in CONNACK is its own; the verdict is not", async () => {
  const steps = [send("10 00"), receive("20 09 00 00 06 22 000a 21 0014")];
  const connects = sequence(steps, { connects: true });
  await playSequence(connects, { dial: server({}), patience: patient });
  await assert.rejects(
    playSequence(connects, { dial: server({ "10": "20 03 00 87 00" }), patience: patient }),
    /wanted CONNACK reason 0, session present false, got reason 135/,
  );
});

test("a CONNACK that a strict client would not take fails", async () => {
  const connects = sequence([send("10 00"), receive("20 03 00 00 00")], { connects: true });
  await assert.rejects(
    playSequence(connects, { dial: server({ "10": "20 05 00 00 02 24 02" }), patience: patient }),
    /maximumQoS is 2/,
  );
});
