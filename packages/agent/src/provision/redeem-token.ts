import { awsTopics } from "@fleetmint/wire";
import { AgentFault } from "../agent-fault.ts";
import type { AgentConfig } from "../config/agent-config.ts";
import type { MqttLink } from "../connect/mqtt-link.ts";
import type { PendingIdentity, Redemption } from "../identity/state.ts";
import { obtainCertificate, type StepPorts } from "./obtain-certificate.ts";

/** Refusals that say the stored token is spent or gone, though the device may still be provisioned with another. */
const TOKEN_IS_GONE: ReadonlySet<string> = new Set([
  "token_unknown",
  "token_expired",
  "token_already_used",
  "token_principal_mismatch",
  // AWS IoT's own word.
  "InvalidCertificateOwnershipToken",
]);
const MAX_CONFIGURATION_ENTRIES = 1_000;

/** Redeems the ownership token through the template. A stored token that is gone is replaced once. */
export async function redeemToken(
  ports: StepPorts,
  config: AgentConfig,
  link: MqttLink,
  pending: PendingIdentity,
): Promise<PendingIdentity> {
  try {
    return await register(ports, config, link, pending);
  } catch (error) {
    if (!(error instanceof AgentFault) || !TOKEN_IS_GONE.has(error.reason)) throw error;
    ports.say(`${error.message} Asking for another certificate.`);
  }
  const { issued: _gone, ...withoutToken } = pending;
  return register(ports, config, link, await obtainCertificate(ports, config, link, withoutToken));
}

async function register(
  ports: StepPorts,
  { provisioning, format }: AgentConfig,
  link: MqttLink,
  pending: PendingIdentity,
): Promise<PendingIdentity> {
  const certificateOwnershipToken = pending.issued!.ownershipToken;
  const topics = awsTopics.registerThing(provisioning.templateName, format);
  ports.say(`Redeeming the certificate through the template "${provisioning.templateName}".`);
  const answer = await link.ask(topics, { certificateOwnershipToken, parameters: provisioning.parameters });
  const redeemed: PendingIdentity = { ...pending, redeemed: readRedemption(answer) };
  ports.keep(redeemed);
  return redeemed;
}

export function readRedemption(answer: Readonly<Record<string, unknown>>): Redemption {
  const { thingName, deviceConfiguration } = answer;
  const entries = typeof deviceConfiguration === "object" ? Object.entries(deviceConfiguration ?? {}) : [];
  const texts = entries.filter((entry): entry is [string, string] => typeof entry[1] === "string");
  return {
    ...(typeof thingName === "string" && thingName !== "" ? { thingName } : {}),
    deviceConfiguration: Object.fromEntries(texts.slice(0, MAX_CONFIGURATION_ENTRIES)),
  };
}
