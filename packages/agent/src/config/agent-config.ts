import type { PayloadFormat } from "@fleetmint/wire";

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface FleetProvisioning {
  readonly templateName: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** A request made elsewhere with `deviceKeyPath`; without it the agent makes its own. */
  readonly csrPath?: string;
  readonly deviceKeyPath?: string;
}

export interface FileKeyStoreConfig {
  readonly kind: "file";
}

export interface Pkcs11KeyStoreConfig {
  readonly kind: "pkcs11";
  /** The token's shared library. */
  readonly module: string;
  readonly token: string;
  /** Label of the keys that the agent makes. */
  readonly label: string;
  /** The PIN stays in its file: it is never copied into the store and never put on a command line. */
  readonly pinFile: string;
  /** The OpenSSL engine that lends the token to TLS; searched for unless told. */
  readonly engine?: string;
}

export type KeyStoreConfig = FileKeyStoreConfig | Pkcs11KeyStoreConfig;

/** Everything the agent goes by, read once from one file. */
export interface AgentConfig {
  /** The file it was read from. */
  readonly path: string;
  readonly endpoint: Endpoint;
  readonly rootCaPath: string;
  /** `cert` and `key` of the file: the claim where fleet provisioning is on. */
  readonly claimCertPath: string;
  readonly claimKeyPath: string;
  readonly provisioning: FleetProvisioning;
  /** Client id while the claim is used. */
  readonly clientId: string;
  readonly store: string;
  readonly key: "device" | "received";
  readonly keyStore: KeyStoreConfig;
  readonly keepClaim: boolean;
  readonly mqttVersion: 4 | 5;
  readonly format: PayloadFormat;
  /** 0 switches the heartbeat off. */
  readonly heartbeatSeconds: number;
  /** `{thingName}` stands for the thing's name. */
  readonly heartbeatTopic: string;
  /** Sentences about what was ignored or is unwise; never a reason to stop. */
  readonly notes: readonly string[];
}
