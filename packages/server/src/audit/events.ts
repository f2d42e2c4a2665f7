// The names of everything that is written down for ever, one function each. Subjects are ids; what else is worth knowing goes into `detail`.
// A new event is a new line here; a name that was used is never given another meaning.
import type {
  AccountId,
  CertificateId,
  ClaimId,
  GroupName,
  PolicyName,
  TemplateName,
  ThingName,
  ThingTypeName,
} from "../vocabulary/ids.ts";
import type { AuditEvent } from "./ports.ts";

interface Fact {
  /** `describePrincipal` of who did it, or `system`. */
  readonly actor: string;
  readonly atMs: number;
  /** Never holds a secret. */
  readonly detail?: Readonly<Record<string, unknown>> | undefined;
}

type Recorder<About> = (fact: Fact & About) => AuditEvent;

const aboutInstallation = (event: string): Recorder<{ readonly origin: string }> => {
  return (fact) => entry(event, fact.origin, fact);
};
const aboutClaim = (event: string): Recorder<{ readonly claimId: ClaimId }> => {
  return (fact) => entry(event, fact.claimId, fact);
};
const aboutCertificate = (event: string): Recorder<{ readonly certificateId: CertificateId }> => {
  return (fact) => entry(event, fact.certificateId, fact);
};
const aboutThing = (event: string): Recorder<{ readonly thingName: ThingName }> => {
  return (fact) => entry(event, fact.thingName, fact);
};
const aboutType = (event: string): Recorder<{ readonly typeName: ThingTypeName }> => {
  return (fact) => entry(event, fact.typeName, fact);
};
const aboutGroup = (event: string): Recorder<{ readonly groupName: GroupName }> => {
  return (fact) => entry(event, fact.groupName, fact);
};
const aboutPolicy = (event: string): Recorder<{ readonly policyName: PolicyName }> => {
  return (fact) => entry(event, fact.policyName, fact);
};
const aboutTemplate = (event: string): Recorder<{ readonly templateName: TemplateName }> => {
  return (fact) => entry(event, fact.templateName, fact);
};
const aboutAccount = (event: string): Recorder<{ readonly accountId: AccountId }> => {
  return (fact) => entry(event, fact.accountId, fact);
};

export const installationInitialized = aboutInstallation("installation.initialized");
export const installationRestored = aboutInstallation("installation.restored");
export const credentialCreated = aboutAccount("credential.created");

export const claimCreated = aboutClaim("claim.created");
export const claimRotated = aboutClaim("claim.rotated");
export const claimDisabled = aboutClaim("claim.disabled");
export const claimSuspended = aboutClaim("claim.suspended");
export const claimResumed = aboutClaim("claim.resumed");
/** `detail.quarantined` says whether it began or ended. */
export const claimQuarantined = aboutClaim("claim.quarantined");
export const devicesExpected = aboutClaim("claim.devices-expected");

export const certificateIssued = aboutCertificate("certificate.issued");
export const certificateActivated = aboutCertificate("certificate.activated");
export const certificateRenewed = aboutCertificate("certificate.renewed");
export const certificateDeactivated = aboutCertificate("certificate.deactivated");
export const certificateRevoked = aboutCertificate("certificate.revoked");

export const thingCreated = aboutThing("thing.created");
export const thingReleased = aboutThing("thing.released");
/** `detail.quarantined` says whether it began or ended. */
export const thingQuarantined = aboutThing("thing.quarantined");
export const thingRetired = aboutThing("thing.retired");
export const typeCreated = aboutType("type.created");
export const groupCreated = aboutGroup("group.created");
export const groupMembershipChanged = aboutGroup("group.membership-changed");

export const policyApplied = aboutPolicy("policy.applied");
export const policyAttached = aboutPolicy("policy.attached");
export const policyDetached = aboutPolicy("policy.detached");
export const templateApplied = aboutTemplate("template.applied");

function entry(event: string, subject: string, { actor, atMs, detail = {} }: Fact): AuditEvent {
  return { event, actor, subject, atMs, detail };
}
