import type { HookRequest } from "./ports.ts";

/** AWS's payload, field by field: whatever else a caller's object carries stays here, ownership tokens above all. */
export function hookPayload(request: HookRequest): HookRequest {
  return {
    claimCertificateId: request.claimCertificateId,
    certificateId: request.certificateId,
    certificatePem: request.certificatePem,
    templateArn: request.templateArn,
    clientId: request.clientId,
    parameters: { ...request.parameters },
  };
}
