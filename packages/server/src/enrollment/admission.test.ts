import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MessageAuthorizer } from "../policies/authorizer.ts";
import { Fixture, thingName } from "../store/contract/fixture.ts";
import { createMemoryStore } from "../store/memory/create-memory-store.ts";
import type { CertificateId } from "../vocabulary/ids.ts";
import { createAdmission } from "./admission.ts";

const PRESENT = "a".repeat(64) as CertificateId;

describe("a renewed certificate at CONNECT", () => {
  for (const allowed of [true, false]) {
    const what = allowed ? "ends the one before it" : "ends nothing where no policy lets it connect";
    it(what, async () => {
      const { ended, connect } = await renewedDevice(allowed);
      await connect();
      assert.deepEqual(ended, allowed ? [PRESENT] : []);
    });
  }
});

async function renewedDevice(allowed: boolean): Promise<{ ended: CertificateId[]; connect(): Promise<unknown> }> {
  const fixture = await Fixture.ready(async (options) => createMemoryStore(options));
  const { certificate } = await fixture.provision(thingName("lamp-1"));
  const ended: CertificateId[] = [];
  const authorizer: MessageAuthorizer = {
    connect: () => allowed,
    publish: () => false,
    subscribe: () => false,
    receive: () => false,
  };
  const admission = createAdmission({
    clock: fixture.clock,
    enrollment: { recordDenial: async () => {} },
    deviceAuthorizer: () => authorizer,
    store: {
      ...fixture.store,
      async connection(id) {
        const record = await fixture.store.connection(id);
        return record && { ...record, supersedes: PRESENT };
      },
      async supersede({ supersedes }) {
        ended.push(supersedes);
      },
    },
  });
  const candidate = { certificateDer: certificate.der, clientId: "lamp-1", remoteAddress: "192.0.2.1" };
  return { ended, connect: () => admission.admit({ ...candidate, persistent: false, hasWill: false }) };
}
