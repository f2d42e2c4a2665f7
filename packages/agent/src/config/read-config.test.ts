import assert from "node:assert/strict";
import { test } from "node:test";
import type { AgentFault } from "../agent-fault.ts";
import { readConfig } from "./read-config.ts";

const surroundings = { homeFolder: "/home/dev", hostname: "host-7" };
const MINIMAL = {
  endpoint: "iot.example",
  cert: "/c/claim.pem",
  key: "/c/claim.key",
  "root-ca": "/c/ca.pem",
  "fleet-provisioning": { enabled: true, "template-name": "camera" },
};

function read(value: unknown, more: object = surroundings) {
  return readConfig(JSON.stringify(value), "/etc/fleetmint/agent.json", { ...surroundings, ...more });
}

function refusal(value: unknown): AgentFault {
  try {
    read(value);
  } catch (error) {
    return error as AgentFault;
  }
  throw new assert.AssertionError({ message: "the configuration was accepted" });
}

test("the AWS IoT Device Client's example file works once its placeholders are filled in", () => {
  const config = read({
    endpoint: "abc-ats.iot.eu-west-1.amazonaws.com",
    cert: "/c/claim.pem",
    key: "~/claim.key",
    "root-ca": "ca.pem",
    "thing-name": "camera-1",
    logging: { level: "DEBUG", type: "FILE", file: "/var/log/x.log" },
    jobs: { enabled: true, "handler-directory": "<replace_with_job_handler_directory_path>" },
    tunneling: { enabled: true },
    "device-defender": { enabled: true, interval: 300 },
    "fleet-provisioning": {
      enabled: true,
      "template-name": "camera",
      "template-parameters": '{"SerialNumber": "A-1", "Site": "Graz"}',
      "csr-file": "<replace_with_csr_file_path>",
      "device-key": "<replace_with_device_private_key_file_path>",
    },
    "runtime-config": { "completed-fp": false },
    samples: { "pub-sub": { enabled: false } },
    "config-shadow": { enabled: false },
    "sample-shadow": { enabled: false },
    "secure-element": { enabled: false },
  });
  assert.deepEqual(config.endpoint, { host: "abc-ats.iot.eu-west-1.amazonaws.com", port: 8883 });
  assert.equal(config.claimKeyPath, "/home/dev/claim.key");
  assert.equal(config.rootCaPath, "/etc/fleetmint/ca.pem", "relative paths start from the file's folder");
  assert.deepEqual(config.provisioning, { templateName: "camera", parameters: { SerialNumber: "A-1", Site: "Graz" } });
  assert.equal(config.clientId, "camera-1");
  assert.deepEqual(
    config.notes.map((note) => note.split('"')[1]),
    ["jobs", "tunneling", "device-defender", "samples", "config-shadow", "sample-shadow"],
  );
});

test("what is not said has a documented default", () => {
  const config = read(MINIMAL);
  assert.equal(config.store, "/home/dev/.fleetmint-agent");
  assert.equal(read(MINIMAL, { stateFolder: "/var/lib/agent" }).store, "/var/lib/agent");
  assert.equal(config.clientId, "host-7");
  assert.deepEqual([config.key, config.mqttVersion, config.format, config.keepClaim], ["device", 5, "json", false]);
  assert.deepEqual(config.keyStore, { kind: "file" });
  assert.equal(config.heartbeatTopic, "devices/{thingName}/heartbeat");
});

test("the endpoint may carry its port, also behind an address", () => {
  const hosts = ["iot.example:9883", "mqtts://iot.example:9883", "[::1]:9883"].map(
    (endpoint) => read({ ...MINIMAL, endpoint }).endpoint,
  );
  assert.deepEqual(
    hosts.map(({ host, port }) => [host, port]),
    [
      ["iot.example", 9883],
      ["iot.example", 9883],
      ["::1", 9883],
    ],
  );
  assert.match(refusal({ ...MINIMAL, endpoint: "a b" }).message, /endpoint must be HOST or HOST:PORT/);
  const twice = refusal({ ...MINIMAL, endpoint: "a:1", fleetmint: { port: 2 } });
  assert.match(twice.message, /says port 1 and fleetmint\.port says 2/);
});

test("every fault is reported at once, each with the name of its setting", () => {
  const fault = refusal({
    endpoint: "<replace_with_endpoint_value>",
    cert: 7,
    "root-ca": "/c/ca.pem",
    "fleet-provisioning": { enabled: "yes", "template-parameters": "{not json" },
    fleetmint: { mqttVersion: 3, format: "xml", heartbeatSeconds: -1, keepClaims: true, keyStore: { kind: "pkcs11" } },
  });
  assert.equal(fault.kind, "usage");
  assert.equal(fault.at, "/etc/fleetmint/agent.json");
  for (const name of [
    "endpoint still holds the placeholder",
    "cert must be a text",
    "key is missing",
    "fleet-provisioning.enabled must be true or false",
    "fleet-provisioning.template-name is missing",
    "fleet-provisioning.template-parameters is a text that does not hold JSON",
    "fleetmint.mqttVersion must be one of 4, 5",
    'fleetmint.format must be one of "json", "cbor"',
    "fleetmint.heartbeatSeconds must be a whole number from 0 to 86400",
    "fleetmint.keepClaims is not a setting",
    "fleetmint.keyStore.module is missing",
    "fleetmint.keyStore.token is missing",
    "fleetmint.keyStore.pinFile is missing",
  ]) {
    assert.ok(fault.message.includes(name), `"${name}" is not in: ${fault.message}`);
  }
});

test("settings that contradict each other are refused", () => {
  const keyStore = { kind: "pkcs11", module: "/m.so", token: "t", pinFile: "/pin" };
  assert.match(refusal({ ...MINIMAL, fleetmint: { key: "received", keyStore } }).message, /key cannot be "received"/);
  const off = { ...MINIMAL, "fleet-provisioning": { enabled: false, "template-name": "t" } };
  assert.match(refusal(off).message, /enabled must be true/);
  const element = { ...MINIMAL, "secure-element": { enabled: true, "secure-element-pin": "1234" } };
  assert.match(refusal(element).message, /secure-element\.enabled .*pinFile/);
});

test("a CSR file without its key is ignored with a note, as the Device Client does", () => {
  const section = { ...MINIMAL["fleet-provisioning"], "csr-file": "/c/device.csr" };
  const config = read({ ...MINIMAL, "fleet-provisioning": section });
  assert.equal(config.provisioning.csrPath, undefined);
  assert.match(config.notes.join(), /csr-file is ignored because fleet-provisioning\.device-key is not set/);
  const both = read({ ...MINIMAL, "fleet-provisioning": { ...section, "device-key": "/c/device.key" } });
  assert.deepEqual([both.provisioning.csrPath, both.provisioning.deviceKeyPath], ["/c/device.csr", "/c/device.key"]);
});

test("what is no JSON object is refused with its place", () => {
  for (const text of ["", "[]", "null", '{"a":', "<xml/>"]) {
    assert.throws(() => readConfig(text, "/x.json", surroundings), { reason: "config_invalid", at: "/x.json" });
  }
});
