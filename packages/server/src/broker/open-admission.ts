// Ports that let everything through. For conformance and unit tests of MQTT itself; server.ts never joins them.
import type { CertificateId, ThingName } from "../vocabulary/ids.ts";
import type { Admission, Admitted, Authorizer, Changes, ConnectionEvents, ReservedTopics } from "./ports.ts";

export const openAuthorizer: Authorizer = {
  connect: () => true,
  publish: () => true,
  subscribe: () => true,
  receive: () => true,
};

/** One thing called `everyone` owns every connection. */
export const openAdmission: Admission = {
  admit: async () => everyone(),
  readmit: async (_request, previous) => previous,
};

function everyone(): Admitted {
  const certificateId = "0".repeat(64) as CertificateId;
  const thingName = "everyone" as ThingName;
  return {
    principal: { kind: "device", certificateId, thingName },
    authorizer: openAuthorizer,
    notAfterMs: Number.POSITIVE_INFINITY,
    certificateId,
    claimId: undefined,
    thingName,
  };
}

export const noChanges: Changes = {
  since: async () => [],
  latest: async () => 0,
  onNudge: () => () => {},
};

export const noReservedTopics: ReservedTopics = { accepts: () => false, handle: async () => {} };

export const silentEvents: ConnectionEvents = { connected() {}, disconnected() {}, refused() {} };
