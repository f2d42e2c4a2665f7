import { fleetmintTopics } from "@fleetmint/wire";
import type { AgentPorts } from "../agent-ports.ts";
import type { AgentConfig } from "../config/agent-config.ts";
import { MqttLink } from "../connect/mqtt-link.ts";
import { identityOf, saveState, withCurrent } from "../identity/progress.ts";
import type { Identity, PendingIdentity } from "../identity/state.ts";
import { obtainCertificate } from "../provision/obtain-certificate.ts";
import { readRedemption } from "../provision/redeem-token.ts";

/**
 * Renewal over the device's own connection: a certificate for a new key, by the operation that AWS has for claims
 * (CreateCertificateFromCsr, or CreateKeysAndCertificate), then its ownership token on our own topic. Returns with
 * the renewed identity stored but not in use; the present one keeps its connection.
 */
export async function requestRenewal(ports: AgentPorts, config: AgentConfig, link: MqttLink): Promise<void> {
  const { current, pending } = ports.store.load();
  const keep = (next: PendingIdentity): void => void saveState(ports, { ...ports.store.load(), pending: next });
  const begun: PendingIdentity = pending?.purpose === "renew" ? pending : { purpose: "renew" };
  if (begun.redeemed !== undefined) return;
  const issued = await obtainCertificate({ ...ports, keep }, renewalConfig(config), link, begun);
  const request = { certificateOwnershipToken: issued.issued!.ownershipToken };
  const { thingName } = readRedemption(await link.ask(fleetmintTopics.renew(config.format), request));
  const { deviceConfiguration } = current!;
  keep({ ...issued, redeemed: { deviceConfiguration, ...(thingName === undefined ? {} : { thingName }) } });
}

/**
 * Connects with the renewed identity, and only then makes it the current one. The server lets go of the last connection
 * by itself, because both have the same client id.
 */
export async function switchToRenewed(
  ports: AgentPorts,
  config: AgentConfig,
  signal: AbortSignal,
): Promise<{ link: MqttLink; identity: Identity }> {
  const identity = identityOf(ports.store.load().pending!);
  const key = await ports.keys.open(identity.key);
  const clientId = identity.thingName ?? config.clientId;
  const named = { certificatePem: identity.certificatePem, key, clientId, name: "the renewed identity" };
  const link = await MqttLink.open(ports, named, { ...config, signal });
  saveState(ports, withCurrent(ports.store.load(), identity));
  return { link, identity };
}

/** Every renewal has a key of its own: the device-key of the configuration served the first certificate. */
function renewalConfig(config: AgentConfig): AgentConfig {
  const { templateName, parameters } = config.provisioning;
  return { ...config, provisioning: { templateName, parameters } };
}
