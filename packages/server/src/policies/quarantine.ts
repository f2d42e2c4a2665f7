import { createAuthorizer, type MessageAuthorizer } from "./authorizer.ts";
import { parsePolicy } from "./parse-policy.ts";
import type { Policy } from "./policy.ts";
import type { PrincipalContext } from "./variables.ts";

/**
 * In force over a quarantined device instead of its own policies, until an operator undoes it: it may stay connected,
 * so that it is seen and can be released at once, but can say and hear nothing. Operators may replace the document.
 */
export const QUARANTINE_POLICY: string = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Sid: "StayConnected", Effect: "Allow", Action: "iot:Connect", Resource: "arn:aws:iot:*:*:client/*" }],
});

const DEFAULT: Policy = parsePolicy(QUARANTINE_POLICY);

/** Judges a quarantined device; its own policies take no part. */
export function quarantineAuthorizer(principal: PrincipalContext, policy: Policy = DEFAULT): MessageAuthorizer {
  return createAuthorizer({ policies: [{ name: "quarantine", policy }], principal });
}
