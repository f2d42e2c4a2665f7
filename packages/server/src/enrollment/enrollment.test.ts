import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { HookDecision } from "../hooks/ports.ts";
import { Fault } from "../kit/fault.ts";
import { silentLog } from "../kit/log.ts";
import { systemRandom } from "../kit/random.ts";
import { CLAIM, Fixture, TEMPLATE } from "../store/contract/fixture.ts";
import { createMemoryStore } from "../store/memory/create-memory-store.ts";
import type { FaultCode } from "../vocabulary/faults.ts";
import { createClaimGuard } from "./claim-guard.ts";
import { createEnrollment, type Enrollment, type EnrollmentPorts } from "./enrollment.ts";
import type { Passport, PendingCertificate } from "./ports.ts";
import { hashToken } from "./request-certificate.ts";
import { createTemplateCatalog } from "./template-catalog.ts";

const TOKEN = "the-ownership-token";
const BODY = JSON.stringify({
  Parameters: { SerialNumber: { Type: "String" }, "AWS::IoT::Certificate::Id": { Type: "String" } },
  Resources: {
    thing: { Type: "AWS::IoT::Thing", Properties: { ThingName: { "Fn::Sub": "lamp-${SerialNumber}" } } },
    certificate: {
      Type: "AWS::IoT::Certificate",
      Properties: { CertificateId: { Ref: "AWS::IoT::Certificate::Id" }, Status: "Active" },
    },
  },
});

class World {
  readonly fixture: Fixture;
  readonly enrollment: Enrollment;
  pending!: PendingCertificate;
  decide = async (): Promise<HookDecision> => ({ parameterOverrides: {} });

  private constructor(fixture: Fixture) {
    this.fixture = fixture;
    const { store, clock } = fixture;
    const ports: Omit<EnrollmentPorts, "ca"> = {
      clock,
      random: systemRandom(),
      log: silentLog,
      claims: store,
      store,
      registry: store,
      events: store,
      templates: createTemplateCatalog(store),
      guard: createClaimGuard(clock),
      hooks: { decide: () => this.decide() },
      arnPrefix: "arn:aws:iot:us-east-1:000000000000",
    };
    // Redeeming signs nothing.
    this.enrollment = createEnrollment(ports as EnrollmentPorts);
  }

  static async start(passport: Partial<Passport> = {}): Promise<World> {
    const fixture = await Fixture.ready(async (options) => createMemoryStore(options), passport);
    await fixture.applyTemplate(TEMPLATE, BODY);
    const world = new World(fixture);
    const signed = fixture.signed("device");
    await fixture.store.recordIntent(fixture.intent(signed, { claimId: CLAIM, clientId: "device-1" }));
    world.pending = { ...fixture.pendingOf(signed.certificate, "device-1"), tokenHash: hashToken(TOKEN) };
    await fixture.recordPending(world.pending);
    return world;
  }

  redeem(serialNumber: string) {
    return this.enrollment.redeem(
      {
        flow: "claim",
        front: "aws-mqtt",
        clientId: "device-1",
        remoteAddress: "192.0.2.1",
        principal: { kind: "claim", id: CLAIM },
      },
      {
        claimId: CLAIM,
        clientId: "device-1",
        ownershipToken: TOKEN,
        templateName: TEMPLATE,
        parameters: new Map([["SerialNumber", serialNumber]]),
      },
    );
  }

  applyHook(hook: { kind: "webhook"; url: string; secret: string } | null) {
    const { store, nowMs } = this.fixture;
    const audit = this.fixture.audit("template.applied", TEMPLATE);
    return store.applyTemplate({ name: TEMPLATE, body: undefined, settings: undefined, hook, nowMs, audit });
  }
}

function refused(work: Promise<unknown>, code: FaultCode): Promise<void> {
  return assert.rejects(work, (error) => error instanceof Fault && error.code === code);
}

describe("redeeming", () => {
  it("is refused for a claim that relies on a hook once the template has lost its hook", async () => {
    const world = await World.start({ guard: "hook" });
    const hook = { kind: "webhook", url: "https://factory.example/ask", secret: "s".repeat(43) } as const;
    await world.applyHook(hook);
    await world.applyHook(null);
    await refused(world.redeem("1"), "hook_failed");
    await world.applyHook(hook);
    assert.equal((await world.redeem("1")).kind, "issued");
  });

  it("gives no answer, not even an old one, while the claim is quarantined", async () => {
    const world = await World.start();
    await world.redeem("1");
    const audit = world.fixture.audit("claim.quarantined", CLAIM);
    await world.fixture.store.setClaimQuarantine({ claimId: CLAIM, quarantined: true, audit });
    await refused(world.redeem("1"), "claim_suspended");
  });

  it("keeps the record of the device that was let in when a rival with the same token is refused", async () => {
    const world = await World.start();
    const hook = { kind: "webhook", url: "https://factory.example/ask", secret: "s".repeat(43) } as const;
    await world.applyHook(hook);
    const rivals = await Promise.allSettled([world.redeem("1"), world.redeem("2")]);
    assert.deepEqual(
      rivals.map(({ status }) => status),
      ["fulfilled", "rejected"],
    );
    const { items } = await world.fixture.store.attempts({ cursor: undefined, limit: 10 });
    assert.deepEqual(items.map(({ outcome }) => outcome).sort(), ["denied", "issued"]);
    assert.equal((await world.fixture.store.attempt(world.pending.attemptId))?.outcome, "issued");
  });
});
