import type { AccountId, CertificateId, ClaimId, ThingName } from "./ids.ts";

/** Who is at the other end of a device connection, as authenticated by certificate. */
export type DevicePrincipal =
  | { readonly kind: "claim"; readonly claimId: ClaimId; readonly certificateId: CertificateId }
  | {
      readonly kind: "device";
      readonly certificateId: CertificateId;
      /** Absent while the certificate is attached to no thing. */
      readonly thingName: ThingName | undefined;
    };

/** Who acts: a device, or a person or machine that administers. */
export type Principal = DevicePrincipal | { readonly kind: "account"; readonly accountId: AccountId };

/** A stable one-line form for audit entries and log lines: `claim:…`, `device:…`, `account:…`. */
export function describePrincipal(principal: Principal): string {
  switch (principal.kind) {
    case "claim":
      return `claim:${principal.claimId}`;
    case "device":
      return `device:${principal.thingName ?? principal.certificateId}`;
    case "account":
      return `account:${principal.accountId}`;
  }
}
