// What each of our refusals is called on the wire.
import { CONNACK_311, type ProtocolVersion, REASON } from "@fleetmint/mqtt";
import type { Fault } from "../kit/fault.ts";
import { FAULTS, type FaultCode } from "../vocabulary/faults.ts";

interface WireCodes {
  readonly v4: number;
  readonly v5: number;
}

// AWS answers 7 where MQTT 3.1.1 has 5 for "not authorized". 6 to 255 are reserved in 3.1.1 §3.2.2.3 and strict clients
// take them for a malformed packet, while AWS's own SDKs name both; so it is 5 here.
const NOT_AUTHORIZED: WireCodes = { v4: CONNACK_311.notAuthorized, v5: REASON.notAuthorized };
const BANNED: WireCodes = { v4: CONNACK_311.notAuthorized, v5: REASON.banned };
const TRY_LATER: WireCodes = { v4: CONNACK_311.serverUnavailable, v5: REASON.serverUnavailable };
const BUSY: WireCodes = { v4: CONNACK_311.serverUnavailable, v5: REASON.serverBusy };

/** Codes that are not plainly "not authorized". A client that may succeed later is told so, and retries with back-off. */
const CODES: Partial<Record<FaultCode, WireCodes>> = {
  certificate_revoked: BANNED,
  claim_disabled: BANNED,
  claim_suspended: BUSY,
  claim_client_id_busy: BUSY,
  connection_limit_reached: { v4: CONNACK_311.serverUnavailable, v5: REASON.quotaExceeded },
  limit_reached: { v4: CONNACK_311.serverUnavailable, v5: REASON.quotaExceeded },
  rate_limited: { v4: CONNACK_311.serverUnavailable, v5: REASON.messageRateTooHigh },
  store_unavailable: TRY_LATER,
  installation_restored: TRY_LATER,
  internal_error: TRY_LATER,
  keepalive_timeout: { v4: CONNACK_311.serverUnavailable, v5: REASON.keepAliveTimeout },
  session_taken_over: { v4: CONNACK_311.identifierRejected, v5: REASON.sessionTakenOver },
  protocol_error: { v4: CONNACK_311.unacceptableProtocolVersion, v5: REASON.protocolError },
};

export function wireCode(code: FaultCode, version: ProtocolVersion): number {
  const codes = CODES[code] ?? NOT_AUTHORIZED;
  return version === 5 ? codes.v5 : codes.v4;
}

/** The MQTT 5 Reason String: the code to look up, what happened, what to do. */
export function reasonString(fault: Fault): string {
  return reasonText(fault.code, fault.message);
}

export function reasonText(code: FaultCode, message: string = FAULTS[code].meaning): string {
  return `${code}: ${message} ${FAULTS[code].remedy}`;
}
