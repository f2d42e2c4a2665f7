import { hash } from "node:crypto";
import type { Claim, IssuedClaim, ClaimAudit as WireClaimAudit } from "@fleetmint/wire/v1";
import { devicesExpected } from "../../audit/events.ts";
import type { ClaimAudit } from "../../enrollment/claim-audit.ts";
import type { CreateClaim, CreatedClaim } from "../../enrollment/claims.ts";
import type { ClaimRecord, ExpectedDevice } from "../../enrollment/ports.ts";
import { Fault } from "../../kit/fault.ts";
import type { ClaimId, TemplateName } from "../../vocabulary/ids.ts";
import { by } from "./by.ts";
import type { Call, Handlers } from "./handler.ts";
import { type ClaimKey, keyDelivery } from "./key-delivery.ts";
import type { AdminPorts } from "./ports.ts";
import { thingView } from "./things.ts";
import { found, iso, pageView } from "./wire-values.ts";

export const claimHandlers = {
  async createClaim(ports, { body, actor }) {
    return issue(body.key, (csrPem) => ports.claims.create(createRequest(body, csrPem), actor));
  },
  async rotateClaim(ports, { params, body, actor }) {
    return issue(body.key, (csrPem) => ports.claims.rotate({ claimId: params.claimId as ClaimId, csrPem }, actor));
  },
  async listClaims(ports) {
    return { items: (await ports.claimStore.claims()).map(claimView) };
  },
  async getClaim(ports, { params }) {
    return claimView(await claimOf(ports, params.claimId));
  },
  async listClaimDevices(ports, { params, query }) {
    const { claimId } = await claimOf(ports, params.claimId);
    const page = await ports.registry.things({ limit: query.limit, cursor: query.cursor, claimId });
    return pageView(page, thingView);
  },
  async listExpectedDevices(ports, { params, query }) {
    const { claimId } = await claimOf(ports, params.claimId);
    const page = await ports.claimStore.expectedDevices(claimId, { limit: query.limit, cursor: query.cursor });
    return pageView(page, expectedView);
  },
  async expectDevices(ports, { params, body, actor }) {
    const { claimId, guard } = await claimOf(ports, params.claimId);
    if (guard !== "serials") {
      throw new Fault("conflict", `The claim ${claimId} has no list of serial numbers: its guard is "${guard}".`);
    }
    const audit = devicesExpected({ ...by(ports, actor), claimId, detail: listDigest(body.serials) });
    await ports.claimStore.addExpectedDevices({ claimId, serials: body.serials, audit });
    return {};
  },
  async auditClaim(ports, { params }) {
    return auditView(await ports.claims.audit(params.claimId as ClaimId));
  },
  async disableClaim(ports, { params, body, actor }) {
    await ports.claims.disable(params.claimId as ClaimId, body.reason ?? BY_OPERATOR, actor);
    return {};
  },
  async suspendClaim(ports, { params, body, actor }) {
    await ports.claims.suspend(params.claimId as ClaimId, body.reason ?? BY_OPERATOR, actor);
    return {};
  },
  async resumeClaim(ports, { params, actor }) {
    await ports.claims.resume(params.claimId as ClaimId, actor);
    return {};
  },
  async quarantineClaim(ports, { params, body, actor }) {
    await ports.claims.quarantine(params.claimId as ClaimId, body.quarantined, actor);
    return {};
  },
} satisfies Partial<Handlers>;

/** What is written down where the operator gave no reason. */
const BY_OPERATOR = "by an operator";

async function claimOf(ports: AdminPorts, id: string): Promise<ClaimRecord> {
  return found(await ports.claimStore.claim(id as ClaimId), `claim ${id}`);
}

/** A list can be long and the log keeps for ever: its length, and a digest that proves which list it was. */
function listDigest(serials: readonly string[]) {
  return { serials: serials.length, sha256: hash("sha256", serials.join("\n"), "hex") };
}

/** The recipient is checked before anything is made: a key that cannot be sealed would be lost with its claim. */
async function issue(key: ClaimKey, make: (csrPem: string | undefined) => Promise<CreatedClaim>): Promise<IssuedClaim> {
  const delivery = keyDelivery(key);
  const issued = await make(key.kind === "csr" ? key.csrPem : undefined);
  return {
    claim: claimView(issued.claim),
    certificateId: issued.certificateId,
    certificatePem: issued.certificatePem,
    caPem: issued.caPem,
    ...(await delivery(issued.privateKeyPem)),
  };
}

function createRequest(body: Call<"createClaim">["body"], csrPem: string | undefined): CreateClaim {
  return {
    templates: body.templates as TemplateName[],
    guard: body.guard,
    batch: body.batch,
    supplier: body.supplier,
    maxDevices: body.maxDevices,
    notBeforeMs: body.notBefore === undefined ? undefined : Date.parse(body.notBefore),
    validForMs: body.validForSeconds * 1000,
    networks: body.networks,
    maxPerMinute: body.maxPerMinute,
    suspendAfterRefusals: body.suspendAfterRefusals,
    keyAlgorithm: body.keyAlgorithm,
    csrPem,
  };
}

function claimView(record: ClaimRecord): Claim {
  return {
    claimId: record.claimId,
    kind: record.kind,
    status: record.status,
    statusReason: record.statusReason ?? null,
    quarantined: record.quarantined,
    templates: [...record.templates],
    batch: record.batch ?? null,
    supplier: record.supplier ?? null,
    maxDevices: record.maxDevices,
    redeemed: record.redeemed,
    pending: record.pending,
    notBefore: iso(record.notBeforeMs),
    notAfter: iso(record.notAfterMs),
    networks: [...record.networks],
    guard: record.guard,
    maxPerMinute: record.maxPerMinute,
    suspendAfterRefusals: record.suspendAfterRefusals,
    keyAlgorithm: record.keyAlgorithm,
    createdAt: iso(record.createdAtMs),
    certificates: record.certificates.map(({ certificateId, status, notAfterMs, issuedAtMs }) => ({
      certificateId,
      status,
      notAfter: iso(notAfterMs),
      issuedAt: iso(issuedAtMs),
    })),
  };
}

function expectedView(device: ExpectedDevice) {
  return { serialNumber: device.serialNumber, state: device.state, thingName: device.thingName ?? null };
}

function auditView(audit: ClaimAudit): WireClaimAudit {
  return {
    claim: claimView(audit.claim),
    ageDays: audit.ageDays,
    daysLeft: audit.daysLeft,
    quotaUsed: audit.quotaUsed,
    redeemedLastHour: audit.redeemedLastHour,
    redeemedLastDay: audit.redeemedLastDay,
    refusals: audit.refusals.map(({ reason, count, lastAtMs }) => ({ reason, count, lastAt: iso(lastAtMs) })),
    networks: audit.networks.map(({ network, firstAtMs, lastAtMs, count }) => ({
      network,
      firstAt: iso(firstAtMs),
      lastAt: iso(lastAtMs),
      count,
    })),
    newNetworks: [...audit.newNetworks],
    unknownSerials: [...audit.unknownSerials],
    duplicateSerials: [...audit.duplicateSerials],
    expected: audit.expected,
    expectedProvisioned: audit.expectedProvisioned,
    byCertificate: audit.byCertificate.map(({ certificateId, redeemed, lastAtMs }) => ({
      certificateId,
      redeemed,
      lastAt: lastAtMs === undefined ? null : iso(lastAtMs),
    })),
    findings: [...audit.findings],
  };
}
