import type { Clock } from "../kit/clock.ts";
import { compile } from "./compile.ts";
import type { NamedPolicy } from "./policy.ts";
import type { ConnectAttribute, PrincipalContext } from "./variables.ts";

/** What the broker asks of every connection, in the shape that its ports declare. Synchronous, without I/O. */
export interface MessageAuthorizer {
  connect(attributes: { readonly persistent: boolean; readonly willTopic: string | undefined }): boolean;
  publish(topic: string, retain: boolean): boolean;
  subscribe(filter: string): boolean;
  receive(topic: string): boolean;
}

export interface AuthorizerRequest {
  readonly policies: readonly NamedPolicy[];
  readonly principal: PrincipalContext;
  /** For conditions on the time. */
  readonly clock?: Pick<Clock, "now">;
}

/** Judges a device's connection by the policies in force for it. */
export function createAuthorizer({ policies, principal, clock }: AuthorizerRequest): MessageAuthorizer {
  const compiled = compile(policies, principal, clock);
  const allows = (...question: Parameters<typeof compiled.decideFor>): boolean =>
    compiled.decideFor(...question).decision === "allowed";
  return {
    connect({ persistent, willTopic }) {
      const connectAttributes: ConnectAttribute[] = [];
      if (persistent) connectAttributes.push("PersistentConnect");
      if (willTopic !== undefined) connectAttributes.push("LastWill");
      return allows("connect", principal.clientId, { connectAttributes, lastWillTopic: willTopic });
    },
    // RetainPublish does not stand for Publish: a retained message needs both.
    publish: (topic, retain) => allows("publish", topic) && (!retain || allows("retain", topic)),
    subscribe(filter) {
      const judged = sharedFilter(filter);
      return judged !== undefined && allows("subscribe", judged);
    },
    receive: (topic) => allows("receive", topic),
  };
}

/** `$share/group/filter` is judged on `filter` (MQTT 5 §4.8.2); undefined if it has no such form. */
function sharedFilter(filter: string): string | undefined {
  if (!filter.startsWith("$share/")) return filter;
  return /^\$share\/[^/+#]+\/(.+)$/s.exec(filter)?.[1];
}
