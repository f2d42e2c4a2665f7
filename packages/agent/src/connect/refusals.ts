import { type ConnackPacket, type ConnectionEnd, reasonName } from "@fleetmint/mqtt";
import { AgentFault, type FaultKind } from "../agent-fault.ts";
import type { ServerTarget } from "./check-server.ts";

/** MQTT 5 codes that say "later": server unavailable, busy, shutting down, use another, quota, rate. */
const LATER_5: ReadonlySet<number> = new Set([0x88, 0x89, 0x8b, 0x96, 0x97, 0x9c, 0x9d, 0x9f]);
/** MQTT 3.1.1 has one: server unavailable. */
const LATER_311 = 3;

/** Reasons of our server that time mends, whatever status they travel under. */
const LATER_REASONS: ReadonlySet<string> = new Set([
  "claim_client_id_busy",
  "connection_limit_reached",
  "claim_rate_exceeded",
  "rate_limited",
  "hook_failed",
  "hook_timeout",
  "store_unavailable",
  "clock_set_back",
  "internal_error",
]);

/** What to do, where more than the server's own sentence can be said from here. */
const ADVICE: Readonly<Record<string, string>> = {
  certificate_unknown: 'check that "endpoint" is the server that made this claim',
  certificate_revoked: "ask the operator to release the thing, then run `fleetmint-agent provision --again`",
  certificate_expired: "provision again with a current claim: `fleetmint-agent provision --again`",
  thing_already_provisioned: "if this device was reset, the operator releases it: `fleetmint thing release NAME`",
  parameter_missing: 'add the named parameter to "fleet-provisioning": {"template-parameters": …}',
  serial_missing: 'add "SerialNumber" to "fleet-provisioning": {"template-parameters": …}',
  serial_not_expected: "ask the operator to add this serial number to the claim's expected devices",
  claim_template_refused: 'set "fleet-provisioning": {"template-name"} to the template that the claim is for',
  template_unknown: 'correct "fleet-provisioning": {"template-name"}',
  key_in_use: "run `fleetmint-agent provision --again` to make a new key; never clone an image that holds one",
};
const ASK_OPERATOR = "ask the operator: `fleetmint attempt list` shows this try step by step, with its reason";

export function connectRefused(
  target: ServerTarget,
  who: string,
  { reasonCode, reasonString }: Pick<ConnackPacket, "reasonCode" | "reasonString">,
  version: 4 | 5,
): AgentFault {
  const said = reasonString ?? (version === 5 ? reasonName(reasonCode) : `return code ${reasonCode}`);
  const reason = bracketed(reasonString) ?? "connect_not_authorized";
  const later = LATER_REASONS.has(reason) || (version === 5 ? LATER_5.has(reasonCode) : reasonCode === LATER_311);
  return refusal(target, later, reason, `The server does not let ${who} connect: ${sentence(said)}`);
}

export function requestRejected(
  target: ServerTarget,
  topic: string,
  answer: Readonly<Record<string, unknown>> | { readonly reasonCode: number; readonly reasonString?: string },
): AgentFault {
  const fields = answer as Readonly<Record<string, unknown>>;
  const status = typeof fields["statusCode"] === "number" ? fields["statusCode"] : 0;
  const errorCode = textOr(fields["errorCode"], "request_refused");
  const said = textOr(fields["errorMessage"], textOr(fields["reasonString"], errorCode));
  const reason = bracketed(said) ?? errorCode;
  const later = status === 429 || status >= 500 || LATER_REASONS.has(reason);
  const label = status === 0 ? errorCode : `${status} ${errorCode}`;
  return refusal(target, later, reason, `The server refused (${label}): ${sentence(said)}`, topic);
}

export function subscribeRefused(target: ServerTarget, filter: string): AgentFault {
  return refusal(
    target,
    false,
    "subscribe_not_authorized",
    `The server does not let this certificate subscribe.`,
    filter,
  );
}

export function silentServer(target: ServerTarget, topic: string): AgentFault {
  return refusal(target, true, "no_answer", "The server did not answer within 30 seconds.", topic);
}

/** A connection that ended under a request. Only a server that says it must not be is not worth another try. */
export function connectionLost(target: ServerTarget, end: ConnectionEnd): AgentFault {
  const reason = bracketed(end.reasonString) ?? "connection_lost";
  const said = end.kind === "disconnected-by-server" && end.reasonCode !== undefined;
  const later = !said || LATER_5.has(end.reasonCode as number) || LATER_REASONS.has(reason);
  return refusal(target, later, reason, `The connection ended: ${sentence(end.message)}`);
}

function refusal(target: ServerTarget, later: boolean, reason: string, message: string, topic?: string): AgentFault {
  const kind: FaultKind = later ? "temporary" : "refused";
  const at = `${target.host}:${target.port}${topic === undefined ? "" : `, ${topic}`}`;
  const fix = ADVICE[reason] ?? (later ? "nothing to do here; the agent tries again by itself" : ASK_OPERATOR);
  return new AgentFault({ kind, reason, message, at, fix });
}

/** Our server ends each sentence for devices with its reason code in brackets. */
function bracketed(text: string | undefined): string | undefined {
  return /\[([a-z][a-z_]{2,60})\]\s*$/.exec(text ?? "")?.[1];
}

/** What a server says goes to a terminal: one line, no control characters, not endless. */
function sentence(text: string): string {
  const clean = text
    .replace(/\p{C}+/gu, " ")
    .trim()
    .slice(0, 600);
  return /[.!?\]]$/.test(clean) ? clean : `${clean}.`;
}

function textOr(value: unknown, fallback: string): string {
  return typeof value === "string" && value !== "" ? value : fallback;
}
