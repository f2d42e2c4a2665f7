// What `--help` adds to the lists of options: enough to do it without reading anything else.

export const ROOT_HELP = `
How it works:
  A device leaves the factory with a claim: a certificate that may do nothing but ask for another.
  \`provision\` makes a key on the device, has it certified, redeems the certificate through the server's
  template, connects with it, and only then erases the claim. Kill it at any moment and run it again.

A complete configuration (the file of the AWS IoT Device Client works as it is; "fleetmint" is optional):
  {
    "endpoint": "fleet.example.com",
    "cert": "/etc/fleetmint/claim.cert.pem",
    "key": "/etc/fleetmint/claim.key.pem",
    "root-ca": "/etc/fleetmint/ca.pem",
    "fleet-provisioning": {
      "enabled": true,
      "template-name": "camera",
      "template-parameters": {"SerialNumber": "A-1"}
    },
    "fleetmint": {
      "port": 8883,                      the port may also stand in "endpoint"
      "store": "/var/lib/fleetmint",     default: systemd's state folder, else ~/.fleetmint-agent
      "key": "device",                   or "received": the server makes the key
      "keyStore": {"kind": "file"},      or {"kind": "pkcs11", "module", "token", "pinFile", "label"}
      "keepClaim": false,
      "mqttVersion": 5,                  or 4 for MQTT 3.1.1
      "format": "json",                  or "cbor"
      "heartbeatSeconds": 60,            0 for none
      "heartbeatTopic": "devices/{thingName}/heartbeat",
      "clientId": "A-1"                  while the claim is used; default: thing-name, SerialNumber, host name
    }
  }
  Paths are absolute, begin with ~/, or start from the configuration file's folder.

Try:
  fleetmint-agent provision --config agent.json
  fleetmint-agent status    --config agent.json
  fleetmint-agent run       --config agent.json

Exit codes: 0 done, 1 refused or failed, 2 the command or the configuration is wrong.`;

export const PROVISION_HELP = `
Examples:
  fleetmint-agent provision --config agent.json
  fleetmint-agent provision --config agent.json --timeout 0 -o json     one try, for a production line
  fleetmint-agent provision --config agent.json --again                 after the operator released the thing

With -o json: {"outcome": "issued" | "already-provisioned" | "denied" | "failed",
               "thingName", "certificateId", "expiresAt", "reason", "message"}; where denied or failed also "at", "fix".
The server is checked before anything is sent to it: its certificate must come from "root-ca" and be for "endpoint".`;

export const RUN_HELP = `
Examples:
  fleetmint-agent run --config agent.json        under systemd: Restart=always, StateDirectory=fleetmint-agent

Renews at two thirds of the certificate's lifetime, with a new key; the present identity stays in use until the renewed
one has connected. SIGTERM ends it politely.`;

export const STATUS_HELP = `
Examples:
  fleetmint-agent status --config agent.json
  fleetmint-agent status --config agent.json -o json | jq -r .expiresAt

Exit code 0 where there is a valid identity, 1 where there is none.`;

export const EXPORT_HELP = `
Examples:
  fleetmint-agent export --config agent.json --out identity
  mosquitto_pub --cafile identity/ca.pem --cert identity/device.cert.pem --key identity/device.key.pem \\
                -h fleet.example.com -p 8883 -i THING -t devices/THING/heartbeat -m hello

The copies are not renewed: export again after a renewal.`;
