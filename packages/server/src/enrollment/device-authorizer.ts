// What a device may do: the policies of its certificate, its thing and the thing's groups, or the quarantine in their place.
import { attributeValues, type GeneralName, type ParsedName, parseCertificate } from "@fleetmint/pki";
import type { Clock } from "../kit/clock.ts";
import { createAuthorizer, type MessageAuthorizer } from "../policies/authorizer.ts";
import { parsePolicy } from "../policies/parse-policy.ts";
import type { NamedPolicy, Policy } from "../policies/policy.ts";
import { quarantineAuthorizer } from "../policies/quarantine.ts";
import {
  ALTERNATIVE_NAMES,
  type AlternativeName,
  type CertificateContext,
  type CertificateName,
  NAME_ATTRIBUTES,
  type PrincipalContext,
} from "../policies/variables.ts";
import type { Candidate } from "./admission.ts";
import type { ConnectionRecord } from "./ports.ts";

/** Parsed policy documents kept; a fleet shares few. */
const KEPT_POLICIES = 1000;

export function createDeviceAuthorizer(
  clock: Clock,
): (record: ConnectionRecord, candidate: Candidate) => MessageAuthorizer {
  const parsed = new Map<string, Policy>();
  return (record, candidate) => {
    const principal = principalContext(record, candidate);
    if (record.quarantined) return quarantineAuthorizer(principal);
    const policies = record.policies.map(
      ({ name, document }): NamedPolicy => ({ name, policy: parseOnce(parsed, document) }),
    );
    const own = createAuthorizer({ policies, principal, clock });
    return record.thing === undefined ? own : withRenewal(own);
  };
}

/**
 * Every device of a thing may renew itself, whatever its policies say: who could forget that permission would lose the fleet a year
 * later. Answers come back on the asking connection alone, so it opens nothing else. A quarantined device may not.
 */
function withRenewal(own: MessageAuthorizer): MessageAuthorizer {
  return {
    connect: (attributes) => own.connect(attributes),
    publish: (topic, retain) => (!retain && RENEWAL.requests.has(topic)) || own.publish(topic, retain),
    subscribe: (filter) => RENEWAL.answers.has(filter) || own.subscribe(filter),
    receive: (topic) => RENEWAL.answers.has(topic) || own.receive(topic),
  };
}

const REQUESTS = ["$aws/certificates/create", "$aws/certificates/create-from-csr", "$fleetmint/renew"].flatMap(
  (topic) => [`${topic}/json`, `${topic}/cbor`],
);
const RENEWAL = {
  requests: new Set(REQUESTS),
  answers: new Set(REQUESTS.flatMap((topic) => [`${topic}/accepted`, `${topic}/rejected`])),
};

function parseOnce(parsed: Map<string, Policy>, document: string): Policy {
  const known = parsed.get(document);
  if (known !== undefined) return known;
  const policy = parsePolicy(document);
  if (parsed.size >= KEPT_POLICIES) parsed.delete(parsed.keys().next().value!);
  parsed.set(document, policy);
  return policy;
}

function principalContext(record: ConnectionRecord, candidate: Candidate): PrincipalContext {
  const { thing } = record;
  let certificate: CertificateContext | undefined;
  return {
    clientId: candidate.clientId,
    sourceAddress: candidate.remoteAddress,
    thing:
      thing === undefined ? undefined : { name: thing.name, typeName: thing.typeName, attributes: thing.attributes },
    // Few policies ask about the certificate's names; the others do not pay for parsing it.
    get certificate() {
      if (candidate.certificateDer === undefined) return undefined;
      certificate ??= certificateContext(candidate.certificateDer);
      return certificate;
    },
  };
}

function certificateContext(der: Uint8Array): CertificateContext {
  const certificate = parseCertificate(der);
  return {
    serialNumber: certificate.serial,
    subject: certificateName(certificate.subject, certificate.sans),
    issuer: certificateName(certificate.issuer, []),
  };
}

const ALTERNATIVE_TYPES: Readonly<Record<AlternativeName, GeneralName["type"]>> = {
  RFC822Name: "email",
  DNSName: "dns",
  DirectoryName: "directory",
  UniformResourceIdentifier: "uri",
  IPAddress: "ip",
};

function certificateName(name: ParsedName, sans: readonly GeneralName[]): CertificateName {
  const attributes = NAME_ATTRIBUTES.map((attribute) => [
    attribute,
    attributeValues(name, attribute[0]!.toLowerCase() + attribute.slice(1)),
  ]);
  const alternatives = ALTERNATIVE_NAMES.map((kind) => [
    kind,
    sans.filter((san) => san.type === ALTERNATIVE_TYPES[kind]).map((san) => san.value),
  ]);
  return { attributes: Object.fromEntries(attributes), alternativeNames: Object.fromEntries(alternatives) };
}
