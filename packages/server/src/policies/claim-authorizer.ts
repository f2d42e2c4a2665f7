import type { TemplateName } from "../vocabulary/ids.ts";
import type { MessageAuthorizer } from "./authorizer.ts";

/**
 * What a claim may do, whatever policies say: ask for a certificate and redeem it through its passport's templates.
 * A fixed list instead of a policy document: a shared key is in every device, so nobody may widen it by accident.
 */
export function claimAuthorizer(passport: { readonly templates: readonly TemplateName[] }): MessageAuthorizer {
  const bases = [
    "$aws/certificates/create",
    "$aws/certificates/create-from-csr",
    ...passport.templates.map((template) => `$aws/provisioning-templates/${template}/provision`),
  ];
  const requests = bases.flatMap((base) => [`${base}/json`, `${base}/cbor`]);
  const published = new Set(requests);
  const received = new Set(requests.flatMap((topic) => [`${topic}/accepted`, `${topic}/rejected`]));
  // Greengrass subscribes to `<topic>/+` instead of the two answers; answers reach only the connection that asked anyway.
  const subscribed = new Set([...received, ...requests.flatMap((topic) => [`${topic}/+`, `${topic}/#`])]);
  return {
    // SDKs ask for a persistent session by default; the broker gives a claim none, so asking does no harm.
    connect: ({ willTopic }) => willTopic === undefined,
    publish: (topic, retain) => !retain && published.has(topic),
    subscribe: (filter) => subscribed.has(filter),
    receive: (topic) => received.has(topic),
  };
}
