import { z } from "zod";
import { certificateId, certificateStatus, claimId, done, page, pageQuery, thingName, time } from "./common.ts";
import { operation } from "./operation.ts";

export const certificate = z
  .object({
    certificateId,
    serial: z.string().meta({ description: "Lower-case hexadecimal of the certificate's serial number." }),
    profile: z.enum(["claim", "temporary-claim", "device", "server", "issuing-ca", "root"]),
    status: certificateStatus,
    statusReason: z
      .string()
      .nullable()
      .meta({ description: "Why it left ACTIVE: key_compromise, superseded, retired, operator, …" }),
    notBefore: time,
    notAfter: time,
    issuedAt: time,
    claimId: claimId
      .nullable()
      .meta({ description: "Claim profiles: the claim it opens. Devices: the claim it was born from." }),
    thingName: thingName.nullable(),
  })
  .meta({ id: "Certificate", description: "A certificate that this installation issued or knows." });

const byId = z.strictObject({ certificateId });

export const certificateOperations = {
  listCertificates: operation({
    method: "GET",
    path: "/v1/certificates",
    summary: "List certificates",
    description: "A page at a time; of one claim or one thing where asked.",
    query: pageQuery.extend({ claimId: claimId.optional(), thingName: thingName.optional() }),
    response: page(certificate),
    errors: [],
  }),
  getCertificate: operation({
    method: "GET",
    path: "/v1/certificates/{certificateId}",
    summary: "Show a certificate",
    description: "With its PEM and the SHA-256 of its public key.",
    params: byId,
    response: certificate
      .extend({ publicKeyFingerprint: z.string(), certificatePem: z.string() })
      .meta({ id: "CertificateDetail" }),
    errors: ["not_found"],
  }),
  revokeCertificate: operation({
    method: "POST",
    path: "/v1/certificates/{certificateId}/revoke",
    summary: "Revoke a certificate for good",
    description:
      "Its connections end within a second and it never works again. `key_compromise` also blocks its public key for every later request.",
    params: byId,
    body: z.strictObject({
      reason: z
        .enum(["operator", "key_compromise", "superseded", "retired"])
        .default("operator")
        .meta({ description: "Why, for the record and the revocation list." }),
    }),
    response: done,
    errors: ["not_found", "conflict"],
  }),
};
