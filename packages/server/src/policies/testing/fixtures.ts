import { createAuthorizer, type MessageAuthorizer } from "../authorizer.ts";
import { compile, type Decision } from "../compile.ts";
import { parsePolicy } from "../parse-policy.ts";
import type { Policy } from "../policy.ts";
import type { CertificateContext, PrincipalContext, RequestContext } from "../variables.ts";

export function policyOf(...statements: object[]): Policy {
  return parsePolicy({ Version: "2012-10-17", Statement: statements });
}

/** A device of the fleet, with what a test wants to be different. */
export function device(different: Partial<PrincipalContext> = {}): PrincipalContext {
  return {
    clientId: "client-1",
    sourceAddress: "192.0.2.7",
    thing: { name: "pump-1", typeName: "pump", attributes: { site: "oslo" } },
    certificate: undefined,
    ...different,
  };
}

export function certificate(attributes: CertificateContext["subject"]["attributes"]): CertificateContext {
  const none = { attributes: {}, alternativeNames: {} };
  return { serialNumber: "1234", subject: { attributes, alternativeNames: {} }, issuer: none };
}

export interface Asked {
  readonly action?: string;
  readonly resource?: string;
  readonly principal?: PrincipalContext;
  readonly context?: RequestContext;
}

/** Decides by one statement; the action and resource it is about unless the test asks for others. */
export function decideBy(statement: object, asked: Asked = {}): Decision["decision"] {
  const { action = "iot:Publish", resource = "topic/a", principal = device(), context = {} } = asked;
  const whole = { Effect: "Allow", Action: "iot:*", Resource: "*", ...statement };
  const compiled = compile([{ name: "test", policy: policyOf(whole) }], principal);
  return compiled.decide({ action, resource, conditionContext: context }).decision;
}

export function authorizerFor(principal: PrincipalContext, ...statements: object[]): MessageAuthorizer {
  return createAuthorizer({ policies: [{ name: "test", policy: policyOf(...statements) }], principal });
}
