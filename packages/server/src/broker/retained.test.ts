import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ManualClock } from "../kit/clock.ts";
import { brokerLimits } from "./broker-limits.ts";
import { MemoryRetainedStore } from "./memory-stores.ts";
import type { Message } from "./ports.ts";
import { Retained } from "./retained.ts";

describe("retained messages", () => {
  it("are bounded in bytes with all that travels beside their payload", async () => {
    const ports = { retained: new MemoryRetainedStore(), clock: new ManualClock() };
    const retained = new Retained(ports, brokerLimits({ retainedBytes: 200 }));
    const long = "v".repeat(150);
    const heavy: readonly Message["properties"][] = [
      { userProperties: [["n", long]] },
      { correlationData: Buffer.from(long) },
      { responseTopic: long },
      { contentType: long },
    ];
    for (const properties of heavy) {
      await retained.put(message("a", properties));
      assert.ok(!retained.fits(message("b", properties)), Object.keys(properties)[0]);
      assert.ok(retained.fits(message("a", properties)), "replacing needs no more room");
    }
  });
});

function message(topic: string, properties: Message["properties"]): Message {
  return { topic, payload: Buffer.from("x"), qos: 0, retain: true, properties, expiresAtMs: undefined };
}
