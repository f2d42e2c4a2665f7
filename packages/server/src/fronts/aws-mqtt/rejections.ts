import type { FaultCode } from "../../vocabulary/faults.ts";

/** How AWS's clients are told. AWS publishes no list of error codes; these follow what its own SDKs and services show. */
export interface AwsRejection {
  readonly statusCode: 400 | 403 | 404 | 409 | 413 | 429 | 500 | 503;
  readonly errorCode: string;
}

const badRequest = (errorCode: string): AwsRejection => ({ statusCode: 400, errorCode });
const denied: AwsRejection = { statusCode: 403, errorCode: "AccessDenied" };
const conflict: AwsRejection = { statusCode: 409, errorCode: "ResourceConflict" };
const missing: AwsRejection = { statusCode: 404, errorCode: "ResourceNotFound" };
const throttled: AwsRejection = { statusCode: 429, errorCode: "Throttled" };
const internal: AwsRejection = { statusCode: 500, errorCode: "InternalFailure" };
const unavailable: AwsRejection = { statusCode: 503, errorCode: "ServiceUnavailable" };
const csr = badRequest("InvalidCertificateSigningRequest");
const token = badRequest("InvalidCertificateOwnershipToken");
const parameters = badRequest("InvalidParameters");

/** A new fault code does not compile until this front has answered it. */
const REJECTIONS = {
  certificate_missing: denied,
  certificate_unknown: denied,
  certificate_pending: denied,
  certificate_inactive: denied,
  certificate_revoked: denied,
  certificate_expired: denied,
  certificate_not_yet_valid: denied,
  claim_disabled: denied,
  claim_suspended: denied,
  claim_expired: denied,
  claim_not_yet_valid: denied,
  claim_network_refused: denied,
  claim_client_id_busy: denied,
  claim_connect_refused: denied,
  connect_not_authorized: denied,
  connection_limit_reached: throttled,
  payload_malformed: badRequest("InvalidPayload"),
  payload_too_large: { statusCode: 413, errorCode: "PayloadTooLarge" },
  operation_unknown: missing,
  csr_malformed: csr,
  csr_signature_invalid: csr,
  key_algorithm_refused: csr,
  key_weak: csr,
  key_revoked: csr,
  key_in_use: conflict,
  claim_quota_exceeded: denied,
  claim_pending_limit: throttled,
  claim_rate_exceeded: throttled,
  claim_template_refused: denied,
  template_unknown: missing,
  template_disabled: denied,
  token_missing: token,
  token_unknown: token,
  token_expired: token,
  token_principal_mismatch: token,
  token_already_used: token,
  parameter_missing: parameters,
  parameter_invalid: parameters,
  serial_missing: parameters,
  serial_not_expected: denied,
  hook_denied: denied,
  hook_failed: denied,
  hook_timeout: denied,
  hook_answer_invalid: denied,
  template_evaluation_failed: parameters,
  name_invalid: parameters,
  policy_unknown: missing,
  group_unknown: missing,
  thing_type_unknown: missing,
  thing_already_provisioned: conflict,
  resource_conflict: { statusCode: 409, errorCode: "ResourceConflictsException" },
  store_unavailable: unavailable,
  clock_set_back: unavailable,
  installation_restored: unavailable,
  internal_error: internal,
  publish_not_authorized: denied,
  subscribe_not_authorized: denied,
  will_not_authorized: denied,
  protocol_error: badRequest("InvalidRequest"),
  keepalive_timeout: internal,
  rate_limited: throttled,
  session_taken_over: conflict,
  request_invalid: badRequest("InvalidRequest"),
  unauthenticated: denied,
  forbidden: denied,
  not_found: missing,
  already_exists: conflict,
  conflict,
  template_invalid: badRequest("InvalidRequest"),
  policy_invalid: badRequest("InvalidRequest"),
  claim_unguarded: badRequest("InvalidRequest"),
  limit_reached: throttled,
} as const satisfies Record<FaultCode, AwsRejection>;

export function awsRejection(code: FaultCode): AwsRejection {
  return REJECTIONS[code];
}
