// Fan-out in this process. With several nodes, a Bus will call `publish` here for messages that another node took, and be
// told of those that this one takes; nothing else in the broker knows where a message came from.
import type { Clock } from "../kit/clock.ts";
import { EncodedCopies } from "./encoded-copies.ts";
import { atMostOne, type Share, shareOf } from "./message.ts";
import type { Message, SessionStore } from "./ports.ts";
import type { Session, SubscriptionEntry } from "./session.ts";
import { SharedGroup, type Subscriptions } from "./subscriptions.ts";

export interface Routed {
  /** Somebody was subscribed, connected or not. */
  readonly matched: boolean;
  /** Pending until every stored session that gets the message has it durably; undefined where none does. */
  readonly stored: Promise<void> | undefined;
}

export interface RouterPorts {
  readonly subscriptions: Subscriptions;
  readonly sessionStore: SessionStore;
  readonly clock: Clock;
}

interface Target {
  readonly session: Session;
  readonly share: { qos: 0 | 1; retain: boolean; subscriptionIdentifiers: number[] | undefined };
}

export class Router {
  readonly #ports: RouterPorts;

  constructor(ports: RouterPorts) {
    this.#ports = ports;
  }

  publish(message: Message, origin: Session | undefined): Routed {
    const targets = this.#targets(message, origin);
    if (targets.length === 0) return NOBODY;
    const copies = targets.length > 1 ? new EncodedCopies() : undefined;
    const forms = new Map<string, Form>();
    for (const { session, share } of targets) {
      const form = formOf(forms, message, share);
      if (share.qos === 0) session.delivery?.sendAtMostOnce(form.message, copies);
      else if (session.durable) form.stored.push(session);
      else session.delivery?.sendAtLeastOnce(form.message);
    }
    return { matched: true, stored: this.#store(forms) };
  }

  #targets(message: Message, origin: Session | undefined): Target[] {
    const bySession = new Map<Session, Target>();
    const targets: Target[] = [];
    this.#ports.subscriptions.match(message.topic, (found) => {
      const entry = found instanceof SharedGroup ? found.pick() : found;
      if (entry === undefined) return;
      const { session, subscription } = entry;
      if (subscription.noLocal && session === origin) return;
      const known = found === entry ? bySession.get(session) : undefined;
      if (known !== undefined) {
        merge(known, entry, message);
        return;
      }
      const target = targetOf(entry, message);
      targets.push(target);
      if (found === entry) bySession.set(session, target);
    });
    return targets;
  }

  #store(forms: ReadonlyMap<string, Form>): Promise<void> | undefined {
    const writes = [...forms.values()].filter((form) => form.stored.length > 0).map((form) => this.#enqueue(form));
    if (writes.length === 0) return undefined;
    return writes.length === 1 ? writes[0] : Promise.all(writes).then(nothing);
  }

  async #enqueue({ message, stored }: Form): Promise<void> {
    const keys = stored.map((session) => session.key);
    const sequences = await this.#ports.sessionStore.enqueue(keys, message);
    for (const [at, session] of stored.entries()) {
      const sequence = sequences[at] ?? 0;
      // 0: the session ended while the message was on its way to it.
      if (sequence > 0) session.delivery?.sendStored(message, sequence);
    }
  }
}

interface Form {
  readonly message: Message;
  readonly stored: Session[];
}

const NOBODY: Routed = { matched: false, stored: undefined };

function nothing(): void {}

function targetOf({ session, subscription }: SubscriptionEntry, message: Message): Target {
  const identifier = subscription.subscriptionIdentifier;
  return {
    session,
    share: {
      qos: atMostOne(Math.min(subscription.qos, message.qos)),
      retain: message.retain && subscription.retainAsPublished,
      subscriptionIdentifiers: identifier === undefined ? undefined : [identifier],
    },
  };
}

/** One copy for overlapping subscriptions, at the highest QoS, with every identifier [MQTT-3.3.4-2] [MQTT-3.3.4-3]. */
function merge({ share }: Target, entry: SubscriptionEntry, message: Message): void {
  const other = targetOf(entry, message).share;
  if (other.qos > share.qos) share.qos = other.qos;
  share.retain ||= other.retain;
  if (other.subscriptionIdentifiers === undefined) return;
  share.subscriptionIdentifiers = [...(share.subscriptionIdentifiers ?? []), ...other.subscriptionIdentifiers];
}

/** Most subscribers get a message in one of two or three forms; each is made once. */
function formOf(forms: Map<string, Form>, message: Message, share: Share): Form {
  const name = `${share.qos}${share.retain ? "r" : ""}${share.subscriptionIdentifiers ?? ""}`;
  let form = forms.get(name);
  if (form === undefined) {
    form = { message: shareOf(message, share), stored: [] };
    forms.set(name, form);
  }
  return form;
}
