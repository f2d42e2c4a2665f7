// The reserved topics of AWS IoT fleet provisioning, and of ours beside them.
// https://docs.aws.amazon.com/iot/latest/developerguide/fleet-provision-api.html

export type PayloadFormat = "json" | "cbor";

/** Where a request goes and where its answers come. */
export interface RequestTopics {
  readonly request: string;
  readonly accepted: string;
  readonly rejected: string;
}

/**
 * @example
 * awsTopics.registerThing("camera", "json").accepted; // "$aws/provisioning-templates/camera/provision/json/accepted"
 */
export const awsTopics = {
  /** CreateKeysAndCertificate: the server makes the key. */
  createKeys: (format: PayloadFormat): RequestTopics => answering(`$aws/certificates/create/${format}`),
  /** CreateCertificateFromCsr: the device made the key. */
  createFromCsr: (format: PayloadFormat): RequestTopics => answering(`$aws/certificates/create-from-csr/${format}`),
  /** RegisterThing: redeems the ownership token through a template. */
  registerThing: (templateName: string, format: PayloadFormat): RequestTopics =>
    answering(`$aws/provisioning-templates/${templateName}/provision/${format}`),
};

/** Ours: AWS has no renewal. A device redeems a certificate that it asked for on its own connection. */
export const fleetmintTopics = {
  renew: (format: PayloadFormat): RequestTopics => answering(`$fleetmint/renew/${format}`),
};

export type ReservedOperation =
  | { readonly kind: "create-keys"; readonly format: PayloadFormat }
  | { readonly kind: "create-from-csr"; readonly format: PayloadFormat }
  | { readonly kind: "register-thing"; readonly templateName: string; readonly format: PayloadFormat }
  | { readonly kind: "renew"; readonly format: PayloadFormat };

/** Which operation a request topic names; undefined for every other topic, the answers' included. */
export function parseRequestTopic(topic: string): ReservedOperation | undefined {
  const levels = topic.split("/");
  const format = levels.at(-1);
  if (format !== "json" && format !== "cbor") return undefined;
  const [root, area, third, fourth] = levels;
  if (root === "$aws" && area === "certificates" && levels.length === 4) {
    if (third === "create") return { kind: "create-keys", format };
    if (third === "create-from-csr") return { kind: "create-from-csr", format };
  }
  if (root === "$aws" && area === "provisioning-templates" && fourth === "provision" && levels.length === 5) {
    return third ? { kind: "register-thing", templateName: third, format } : undefined;
  }
  if (root === "$fleetmint" && area === "renew" && levels.length === 3) return { kind: "renew", format };
  return undefined;
}

function answering(request: string): RequestTopics {
  return { request, accepted: `${request}/accepted`, rejected: `${request}/rejected` };
}
