import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { buildCsr, certificateId, fileSigner, type ParsedCertificate, parseCertificate } from "@fleetmint/pki";
import { awsTopics } from "@fleetmint/wire";
import { AgentFault, errorText } from "../agent-fault.ts";
import { type AgentPorts, readPem } from "../agent-ports.ts";
import type { AgentConfig } from "../config/agent-config.ts";
import { type MqttLink, textField } from "../connect/mqtt-link.ts";
import type { IssuedCertificate, PendingIdentity } from "../identity/state.ts";
import type { KeyReference } from "../keys/key-store.ts";

/** Stores each step before the next is taken. */
export type StepPorts = Pick<AgentPorts, "keys" | "say" | "time" | "target"> & {
  readonly keep: (pending: PendingIdentity) => void;
};

/** A pending identity that has its certificate and ownership token; asks the server only where the stored one has not. */
export async function obtainCertificate(
  ports: StepPorts,
  config: AgentConfig,
  link: MqttLink,
  pending: PendingIdentity,
): Promise<PendingIdentity> {
  if (pending.issued !== undefined) return pending;
  if (config.key === "received") return receiveKeyAndCertificate(ports, config, link, pending);
  const key = pending.key ?? plannedKey(ports, config);
  // The key is on the disk before the server hears of it, so that a retry asks with the same one.
  if (pending.key === undefined) ports.keep({ purpose: pending.purpose, key });
  const handle = await ports.keys.make(key);
  const csr = await requestFor(config, pending, handle.signer);
  ports.say(`The key is made on this device (${handle.describe()}); asking for its certificate.`);
  const topics = awsTopics.createFromCsr(config.format);
  const answer = await link.ask(topics, { certificateSigningRequest: csr });
  const issued = readIssued(ports, answer, topics.accepted, handle.signer.publicKeySpki);
  return kept(ports, { purpose: pending.purpose, key, issued });
}

async function receiveKeyAndCertificate(
  ports: StepPorts,
  config: AgentConfig,
  link: MqttLink,
  { purpose }: PendingIdentity,
): Promise<PendingIdentity> {
  ports.say("Asking the server for a key and its certificate.");
  const topics = awsTopics.createKeys(config.format);
  const answer = await link.ask(topics, {});
  const privateKeyPem = textField(answer, "privateKey", topics.accepted);
  const { publicKeySpki } = fileSigner(createPrivateKey(privateKeyPem));
  const issued = readIssued(ports, answer, topics.accepted, publicKeySpki);
  return kept(ports, { purpose, key: { kind: "file", privateKeyPem }, issued });
}

function plannedKey({ keys }: StepPorts, { provisioning }: AgentConfig): KeyReference {
  const path = provisioning.deviceKeyPath;
  if (path === undefined) return keys.plan();
  const privateKeyPem = readPem(path, "fleet-provisioning.device-key", "the device's private key");
  return { kind: "file", privateKeyPem };
}

/** The request made elsewhere, on the first provisioning only; every other request is our own and names nothing but the device. */
async function requestFor(
  { provisioning, clientId }: AgentConfig,
  { purpose }: PendingIdentity,
  signer: Parameters<typeof buildCsr>[1],
): Promise<string> {
  if (purpose === "provision" && provisioning.csrPath !== undefined) return readFileSync(provisioning.csrPath, "utf8");
  const { pem } = await buildCsr({ subject: { commonName: clientId.slice(0, 64) } }, signer);
  return pem;
}

function readIssued(
  { time }: StepPorts,
  answer: Readonly<Record<string, unknown>>,
  at: string,
  publicKeySpki: Uint8Array,
): IssuedCertificate {
  const certificatePem = textField(answer, "certificatePem", at);
  const ownershipToken = textField(answer, "certificateOwnershipToken", at);
  const certificate = parseAnswered(certificatePem, at);
  if (Buffer.compare(certificate.spki, publicKeySpki) !== 0)
    throw wrongAnswer("The certificate is for another key.", at);
  // The server that signed it is the one we verified, so this moment has passed.
  time.raise(certificate.notBeforeMs);
  return { certificateId: certificateId(certificate.der), certificatePem, issuedAtMs: time.now(), ownershipToken };
}

function parseAnswered(pem: string, at: string): ParsedCertificate {
  try {
    return parseCertificate(pem);
  } catch (cause) {
    throw wrongAnswer(`The certificate in the server's answer cannot be read: ${errorText(cause)}`, at, cause);
  }
}

function wrongAnswer(message: string, at: string, cause?: unknown): AgentFault {
  const fix = "report this to the server's operator; the agent keeps its key and asks again at the next run";
  return new AgentFault({ kind: "refused", reason: "server_answer_invalid", message, at, fix }, { cause });
}

function kept(ports: StepPorts, pending: PendingIdentity): PendingIdentity {
  ports.keep(pending);
  return pending;
}
