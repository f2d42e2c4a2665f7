import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ManualClock } from "../kit/clock.ts";
import { AddressGate, canonicalAddress, type GateEntry, limitKey } from "./address-gate.ts";
import { type BrokerLimits, brokerLimits } from "./broker-limits.ts";

function gateWith(limits: Partial<BrokerLimits>): { gate: AddressGate; clock: ManualClock } {
  const clock = new ManualClock();
  return { gate: new AddressGate(brokerLimits(limits), clock), clock };
}

function entered(gate: AddressGate, address: string): GateEntry | string {
  const verdict = gate.enter(address);
  return "entry" in verdict ? verdict.entry : verdict.refusal;
}

describe("the address gate", () => {
  it("lets so many connects a second in from one address", () => {
    const { gate, clock } = gateWith({ connectsPerSecondPerAddress: 2 });
    const verdicts = () => [1, 2, 3].map(() => typeof entered(gate, "192.0.2.1"));
    assert.deepEqual(verdicts(), ["object", "object", "string"]);
    clock.advance(1_000);
    assert.deepEqual(verdicts(), ["object", "object", "string"]);
  });

  it("counts those that are not authenticated for each address and in all", () => {
    const { gate } = gateWith({ unauthenticatedPerAddress: 2, unauthenticatedInAll: 3 });
    const first = entered(gate, "192.0.2.1") as GateEntry;
    entered(gate, "192.0.2.1");
    assert.match(entered(gate, "192.0.2.1") as string, /2 connections from this address have not finished/);
    entered(gate, "192.0.2.2");
    assert.match(entered(gate, "192.0.2.3") as string, /3 connections in all/);
    gate.authenticated(first);
    assert.equal(gate.unauthenticated, 2);
    assert.equal(typeof entered(gate, "192.0.2.3"), "object");
  });

  it("counts all connections of an address until they leave", () => {
    const { gate } = gateWith({ connectionsPerAddress: 1 });
    const only = entered(gate, "192.0.2.1") as GateEntry;
    gate.authenticated(only);
    assert.match(entered(gate, "192.0.2.1") as string, /1 connections from this address/);
    gate.leave(only, true);
    assert.equal(typeof entered(gate, "192.0.2.1"), "object");
    assert.equal(gate.unauthenticated, 1);
  });

  it("reports a flood once in ten seconds", () => {
    const { gate, clock } = gateWith({ connectsPerSecondPerAddress: 0 });
    const reported = () => {
      const verdict = gate.enter("192.0.2.1");
      return "report" in verdict && verdict.report;
    };
    assert.deepEqual([reported(), reported()], [true, false]);
    clock.advance(10_000);
    assert.equal(reported(), true);
  });

  it("counts an IPv6 client by its /64", () => {
    assert.equal(limitKey("2001:db8:1:2:3:4:5:6"), limitKey("2001:db8:1:2::9"));
    assert.notEqual(limitKey("2001:db8:1:2::9"), limitKey("2001:db8:1:3::9"));
    assert.equal(limitKey("::1"), "0:0:0:0::/64");
    assert.equal(limitKey("fe80::1%eth0"), "fe80:0:0:0::/64");
    assert.equal(limitKey("192.0.2.1"), "192.0.2.1");
  });

  it("knows an IPv4 client of a dual-stack listener by its IPv4 address", () => {
    assert.equal(canonicalAddress("::ffff:192.0.2.1"), "192.0.2.1");
    assert.equal(canonicalAddress("2001:db8::1"), "2001:db8::1");
    assert.equal(canonicalAddress(undefined), "unknown");
  });

  it("forgets an address that nobody comes from any more", () => {
    const { gate, clock } = gateWith({});
    const entry = entered(gate, "192.0.2.1") as GateEntry;
    gate.leave(entry, false);
    clock.advance(2_000);
    gate.sweep();
    assert.notEqual(entered(gate, "192.0.2.1"), entry);
  });
});

describe("a limit of the broker", () => {
  it("can be lowered and not raised", () => {
    assert.equal(brokerLimits({ topicLevels: 3 }).topicLevels, 3);
    assert.equal(brokerLimits({ topicLevels: 300 }).topicLevels, 8);
  });
});
