import { type Input, type OperationName, operations } from "@fleetmint/wire/v1";
import { CERTIFICATE_ID } from "./fixed-records.ts";

/** A request for every operation that the fixed world grants; an operation without one does not compile. */
export const EXAMPLES: { readonly [Name in OperationName]: Input<Name> } = {
  listThings: { limit: 1, group: "factory-a" },
  getThing: { thingName: "sensor-1" },
  releaseThing: { thingName: "sensor-1" },
  retireThing: { thingName: "sensor-1" },
  quarantineThing: { thingName: "sensor-1", quarantined: true },
  createThingType: { thingTypeName: "pump" },
  listThingTypes: {},
  createGroup: { groupName: "line-2", parent: "factory-a" },
  listGroups: {},
  addThingToGroup: { groupName: "factory-a", thingName: "sensor-2" },
  removeThingFromGroup: { groupName: "factory-a", thingName: "sensor-1" },
  createClaim: {
    templates: ["factory"],
    guard: { kind: "serials", serials: ["SN-1"] },
    key: { kind: "plain" },
    networks: ["192.0.2.0/24", "2001:db8::/32"],
  },
  listClaims: {},
  getClaim: { claimId: "claim-1" },
  listClaimDevices: { claimId: "claim-1" },
  listExpectedDevices: { claimId: "claim-1" },
  expectDevices: { claimId: "claim-1", serials: ["SN-11"] },
  auditClaim: { claimId: "claim-1" },
  disableClaim: { claimId: "claim-1", reason: "leaked" },
  suspendClaim: { claimId: "claim-1" },
  resumeClaim: { claimId: "claim-1" },
  quarantineClaim: { claimId: "claim-1", quarantined: false },
  rotateClaim: { claimId: "claim-1", key: { kind: "csr", csrPem: "-----BEGIN CERTIFICATE REQUEST-----" } },
  applyTemplate: { templateName: "factory", body: "{}", hook: { kind: "webhook", url: "https://hooks.example/" } },
  listTemplates: {},
  getTemplate: { templateName: "factory" },
  listTemplateVersions: { templateName: "factory" },
  lintTemplate: { body: "not json" },
  explainTemplate: { templateName: "factory", parameters: { SerialNumber: "SN-1" } },
  applyPolicy: {
    policyName: "telemetry",
    document: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:Connect","Resource":"*"}]}',
  },
  listPolicies: {},
  getPolicy: { policyName: "telemetry" },
  attachPolicy: { policyName: "telemetry", target: { kind: "group", id: "factory-a" } },
  detachPolicy: { policyName: "telemetry", target: { kind: "certificate", id: CERTIFICATE_ID } },
  listCertificates: { claimId: "claim-1" },
  getCertificate: { certificateId: CERTIFICATE_ID },
  revokeCertificate: { certificateId: CERTIFICATE_ID, reason: "key_compromise" },
  listAttempts: { outcome: "denied", reason: "serial_not_expected" },
  getAttempt: { attemptId: "att-2" },
  listEvents: {},
  listAuditEntries: { from: 1 },
  exportAudit: {},
  createBackup: { path: "/var/backups/fleetmint.backup" },
  doctor: {},
};

/** The HTTP request of an operation, with a credential where one is given. */
export function exampleRequest(name: OperationName, token?: string): Request {
  const operation: { method: string; path: string; query?: { shape: object }; body?: { shape: object } } =
    operations[name];
  const input = EXAMPLES[name] as Record<string, unknown>;
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, field: string) => encodeURIComponent(String(input[field])));
  const url = new URL(path, "https://server.example");
  for (const field of Object.keys(operation.query?.shape ?? {})) {
    if (input[field] !== undefined) url.searchParams.set(field, String(input[field]));
  }
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  if (operation.body === undefined) return new Request(url, { method: operation.method, headers });
  const fields = Object.keys(operation.body.shape).filter((field) => input[field] !== undefined);
  const body = JSON.stringify(Object.fromEntries(fields.map((field) => [field, input[field]])));
  return new Request(url, {
    method: operation.method,
    headers: { ...headers, "content-type": "application/json" },
    body,
  });
}
