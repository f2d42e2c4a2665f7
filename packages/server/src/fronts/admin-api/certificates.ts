import type { Certificate } from "@fleetmint/wire/v1";
import type { CertificateRecord } from "../../registry/ports.ts";
import type { CertificateId, ClaimId, ThingName } from "../../vocabulary/ids.ts";
import type { Handlers } from "./handler.ts";
import { found, iso, pageView } from "./wire-values.ts";

export const certificateHandlers = {
  async listCertificates(ports, { query }) {
    const page = await ports.registry.certificates({
      limit: query.limit,
      cursor: query.cursor,
      ...(query.claimId !== undefined && { claimId: query.claimId as ClaimId }),
      ...(query.thingName !== undefined && { thingName: query.thingName as ThingName }),
    });
    return pageView(page, certificateView);
  },
  async getCertificate(ports, { params }) {
    const id = params.certificateId;
    const record = found(await ports.registry.certificate(id as CertificateId), `certificate ${id}`);
    return {
      ...certificateView(record),
      publicKeyFingerprint: record.publicKeyFingerprint,
      certificatePem: toPem(record.der),
    };
  },
  async revokeCertificate(ports, { params, body, actor }) {
    await ports.certificates.revoke(params.certificateId as CertificateId, body.reason, actor);
    return {};
  },
} satisfies Partial<Handlers>;

function certificateView(record: CertificateRecord): Certificate {
  return {
    certificateId: record.certificateId,
    serial: record.serial,
    profile: record.profile,
    status: record.status,
    statusReason: record.statusReason ?? null,
    notBefore: iso(record.notBeforeMs),
    notAfter: iso(record.notAfterMs),
    issuedAt: iso(record.issuedAtMs),
    claimId: record.claimId ?? null,
    thingName: record.thingName ?? null,
  };
}

/** RFC 7468 §5. */
function toPem(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
