import { dirname, isAbsolute, join, resolve } from "node:path";
import { AgentFault } from "../agent-fault.ts";
import type { AgentConfig, Endpoint, FleetProvisioning, KeyStoreConfig } from "./agent-config.ts";
import { FieldReader } from "./field-reader.ts";
import { readTemplateParameters } from "./template-parameters.ts";

/** What a configuration file may refer to without naming it. */
export interface Surroundings {
  readonly homeFolder: string;
  readonly hostname: string;
  /** systemd's StateDirectory=, where the agent runs as a service. */
  readonly stateFolder?: string;
}

const DEFAULT_PORT = 8883;
const DEFAULT_HEARTBEAT_SECONDS = 60;
const DEFAULT_HEARTBEAT_TOPIC = "devices/{thingName}/heartbeat";

/** Sections of the AWS IoT Device Client that ask for a feature we do not have. */
const FOREIGN_FEATURES: ReadonlySet<string> = new Set([
  "jobs",
  "tunneling",
  "device-defender",
  "samples",
  "config-shadow",
  "sample-shadow",
  "sensor-publish",
  "http-proxy",
]);

/**
 * Reads a configuration file of the AWS IoT Device Client, with our own optional section `fleetmint` in it.
 * Every fault is found before any is reported.
 *
 * @example
 * const text = JSON.stringify({
 *   endpoint: "iot.example", cert: "/claim.pem", key: "/claim.key", "root-ca": "/ca.pem",
 *   "fleet-provisioning": { enabled: true, "template-name": "camera", "template-parameters": "{\"SerialNumber\":\"A-1\"}" },
 * });
 * const config = readConfig(text, "/etc/agent.json", { homeFolder: "/root", hostname: "device" });
 * assert.equal(config.endpoint.port, 8883);
 * assert.equal(config.clientId, "A-1");
 */
export function readConfig(text: string, path: string, surroundings: Surroundings): AgentConfig {
  const fields = new FieldReader(parseObject(text, path));
  const own = fields.section("fleetmint");
  const notes: string[] = [];
  const at = (file: string): string => locate(file, path, surroundings);
  const provisioning = readProvisioning(fields.section("fleet-provisioning"), at, notes);
  const thingName = fields.text("thing-name");
  const config: AgentConfig = {
    path,
    endpoint: readEndpoint(fields, own),
    rootCaPath: at(fields.requiredText("root-ca", "the CA certificate that signs the server's certificate")),
    claimCertPath: at(fields.requiredText("cert", "the claim certificate")),
    claimKeyPath: at(fields.requiredText("key", "the claim certificate's private key")),
    provisioning,
    clientId: readClientId(own, [thingName, provisioning.parameters["SerialNumber"], surroundings.hostname]),
    store: at(own.text("store") ?? surroundings.stateFolder ?? "~/.fleetmint-agent"),
    key: own.choice("key", ["device", "received"], "device"),
    keyStore: readKeyStore(own, fields, at),
    keepClaim: own.flag("keepClaim", false),
    mqttVersion: own.choice("mqttVersion", [4, 5], 5),
    format: own.choice("format", ["json", "cbor"], "json"),
    heartbeatSeconds: own.integer("heartbeatSeconds", DEFAULT_HEARTBEAT_SECONDS, [0, 86_400]),
    heartbeatTopic: own.text("heartbeatTopic") ?? DEFAULT_HEARTBEAT_TOPIC,
    notes,
  };
  checkTogether(config, own);
  noteUnread(fields, own, notes);
  if (fields.problems.length > 0) throw invalid(path, fields.problems);
  return config;
}

function parseObject(text: string, path: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid(path, [`The file is not valid JSON: ${(cause as Error).message}.`]);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw invalid(path, ["The file must hold one JSON object."]);
}

function locate(file: string, configPath: string, { homeFolder }: Surroundings): string {
  if (file === "") return "";
  if (file === "~" || file.startsWith("~/")) return join(homeFolder, file.slice(1));
  return isAbsolute(file) ? file : resolve(dirname(configPath), file);
}

function readEndpoint(fields: FieldReader, own: FieldReader): Endpoint {
  const text = fields.requiredText("endpoint", "the server's host name, as its certificate has it");
  const match = /^(?:mqtts:\/\/)?(\[[0-9a-fA-F:]+\]|[^:/\s[\]]+)(?::(\d{1,5}))?\/?$/.exec(text);
  if (text !== "" && match === null) fields.fault("endpoint", `must be HOST or HOST:PORT, and is "${text}"`);
  const portInEndpoint = match?.[2] === undefined ? undefined : Number(match[2]);
  const port = own.integer("port", portInEndpoint ?? DEFAULT_PORT, [1, 65_535]);
  if (portInEndpoint !== undefined && portInEndpoint !== port) {
    fields.fault("endpoint", `says port ${portInEndpoint} and fleetmint.port says ${port}; say it once`);
  }
  return { host: (match?.[1] ?? "").replace(/^\[|\]$/g, ""), port };
}

function readProvisioning(section: FieldReader, at: (file: string) => string, notes: string[]): FleetProvisioning {
  const enabled = section.flag("enabled", false);
  if (!enabled) section.fault("enabled", "must be true: this agent obtains its identity by fleet provisioning");
  const csrFile = section.text("csr-file");
  const deviceKey = section.text("device-key");
  if (csrFile !== undefined && deviceKey === undefined) {
    // What the AWS IoT Device Client does with the same file; its README says so.
    notes.push("fleet-provisioning.csr-file is ignored because fleet-provisioning.device-key is not set.");
  }
  const problems: string[] = [];
  const parameters = readTemplateParameters(section.raw("template-parameters"), problems);
  for (const problem of problems) section.fault("template-parameters", problem);
  return {
    templateName: section.requiredText("template-name", "the provisioning template that the server applies"),
    parameters,
    ...(csrFile !== undefined && deviceKey !== undefined ? { csrPath: at(csrFile) } : {}),
    ...(deviceKey !== undefined ? { deviceKeyPath: at(deviceKey) } : {}),
  };
}

function readClientId(own: FieldReader, fallbacks: readonly (string | undefined)[]): string {
  const clientId = own.text("clientId") ?? fallbacks.find((value) => value !== undefined && value !== "") ?? "";
  // AWS IoT's limit, which our server has too.
  if (Buffer.byteLength(clientId) > 128) own.fault("clientId", "must have at most 128 bytes");
  return clientId;
}

function readKeyStore(own: FieldReader, fields: FieldReader, at: (file: string) => string): KeyStoreConfig {
  const section = own.section("keyStore");
  const kind = section.choice("kind", ["file", "pkcs11"], "file");
  const secureElement = fields.section("secure-element");
  if (secureElement.flag("enabled", false) && !own.has("keyStore")) {
    fields.fault(
      "secure-element.enabled",
      'is true, but it keeps the PIN in this file; set fleetmint.keyStore {"kind":"pkcs11","module","token","pinFile"} instead',
    );
  }
  if (kind === "file") return { kind };
  const engine = section.text("engine");
  return {
    kind,
    module: at(section.requiredText("module", "the shared library of the PKCS#11 token")),
    token: section.requiredText("token", "the token's label"),
    label: section.text("label") ?? "fleetmint-device",
    pinFile: at(section.requiredText("pinFile", "a file (mode 0600) that holds the token's user PIN")),
    ...(engine === undefined ? {} : { engine: at(engine) }),
  };
}

function checkTogether(config: AgentConfig, own: FieldReader): void {
  const { key, keyStore, provisioning } = config;
  if (keyStore.kind !== "pkcs11") return;
  if (key === "received")
    own.fault("key", 'cannot be "received" with a PKCS#11 key store: the key is made inside the token');
  if (provisioning.deviceKeyPath !== undefined) {
    own.fault("keyStore", "of kind pkcs11 makes its own key; remove fleet-provisioning.device-key");
  }
}

function noteUnread(fields: FieldReader, own: FieldReader, notes: string[]): void {
  // `logging` and `runtime-config` say how the AWS client logs and where it keeps its state; both are harmless here.
  for (const key of fields.unread().filter((each) => each !== "logging" && each !== "runtime-config")) {
    const why = FOREIGN_FEATURES.has(key) ? "this agent does not have that feature" : "this agent does not know it";
    notes.push(`"${key}" is ignored: ${why}.`);
  }
  for (const key of own.unread()) own.fault(key, "is not a setting of this agent; see `fleetmint-agent --help`");
}

function invalid(path: string, problems: readonly string[]): AgentFault {
  const list = problems.length === 1 ? problems[0]! : problems.map((problem) => `\n    - ${problem}`).join("");
  return new AgentFault({
    kind: "usage",
    reason: "config_invalid",
    message: `The configuration cannot be used: ${list}`,
    at: path,
    fix: "correct the named settings; `fleetmint-agent --help` shows a complete example",
  });
}
