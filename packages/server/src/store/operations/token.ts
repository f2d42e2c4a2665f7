import type { TokenRecord } from "../../enrollment/ports.ts";
import type { Rows, TokenRow } from "../rows.ts";

/** What is known of a token that may be redeemed or was; one that ended with its certificate is none of ours any more. */
export function tokenRecord(rows: Rows, tokenHash: string): TokenRecord | undefined {
  const token = rows.token(tokenHash);
  // A renewal's token is none of the claims'.
  if (token?.claimId === undefined || endedUnspent(token)) return undefined;
  const claimCertificate = rows.certificateByRow(token.claimCertificate);
  if (claimCertificate === undefined) return undefined;
  return {
    certificateId: token.certificateId,
    certificateDer: rows.certificateDer(token.certificate),
    claimId: token.claimId,
    claimCertificateId: claimCertificate.certificateId,
    clientId: token.clientId,
    expiresAtMs: token.expiresAtMs,
    attemptId: token.attemptId,
    notAfterMs: token.notAfterMs,
    redemption: redemptionOf(token),
  };
}

function endedUnspent(token: TokenRow): boolean {
  return token.requestDigest === undefined && token.status === "REVOKED" && token.statusReason !== "token_expired";
}

function redemptionOf(token: TokenRow): TokenRecord["redemption"] {
  const { requestDigest, thingName, deviceConfiguration } = token;
  return requestDigest === undefined
    ? undefined
    : { requestDigest, thingName, deviceConfiguration: deviceConfiguration ?? {} };
}
