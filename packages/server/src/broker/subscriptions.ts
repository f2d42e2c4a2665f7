import { parseSharedFilter, SubscriptionTree } from "@fleetmint/mqtt";
import type { StoredSubscription } from "./ports.ts";
import type { Session, SubscriptionEntry } from "./session.ts";
import { isReserved } from "./topic-rules.ts";

/** `$share/GROUP/FILTER`: each message goes to one of the members (MQTT 5 §4.8.2). */
export class SharedGroup {
  readonly members: SubscriptionEntry[] = [];
  #next = 0;

  /** In turn, those who are connected first: a message for someone who is away would wait while others are idle. */
  pick(): SubscriptionEntry | undefined {
    const { members } = this;
    for (let tried = 0; tried < members.length; tried++) {
      const entry = members[this.#next++ % members.length] as SubscriptionEntry;
      if (entry.session.delivery !== undefined) return entry;
    }
    return members.find((entry) => entry.session.durable);
  }
}

/** Who is subscribed to what, over all sessions. */
export class Subscriptions {
  readonly #tree = new SubscriptionTree<SubscriptionEntry | SharedGroup>();
  readonly #groups = new Map<string, SharedGroup>();

  get size(): number {
    return this.#tree.size;
  }

  match(topic: string, visit: (found: SubscriptionEntry | SharedGroup) => void): void {
    this.#tree.match(topic, visit);
  }

  /** Adds or replaces [MQTT-3.8.4-3]; true if the filter is new for the session. */
  add(session: Session, subscription: StoredSubscription): boolean {
    const known = session.entries.get(subscription.filter);
    if (known !== undefined) {
      known.subscription = subscription;
      return false;
    }
    const entry = { session, subscription };
    session.entries.set(subscription.filter, entry);
    this.#insert(entry, subscription.filter);
    return true;
  }

  remove(session: Session, filter: string): boolean {
    const entry = session.entries.get(filter);
    if (entry === undefined) return false;
    session.entries.delete(filter);
    this.#delete(entry, filter);
    return true;
  }

  removeAll(session: Session): void {
    for (const [filter, entry] of session.entries) this.#delete(entry, filter);
    session.entries.clear();
  }

  #insert(entry: SubscriptionEntry, filter: string): void {
    const shared = parseSharedFilter(filter);
    if (shared !== undefined) this.#join(entry, filter, shared.filter);
    // Nothing is ever fanned out on a reserved topic: its answers go to the connection that asked. Keeping those filters
    // out of the tree makes a leak impossible, not only forbidden.
    else if (!isReserved(filter)) this.#tree.add(filter, entry);
  }

  #delete(entry: SubscriptionEntry, filter: string): void {
    const shared = parseSharedFilter(filter);
    if (shared !== undefined) this.#part(entry, filter, shared.filter);
    else if (!isReserved(filter)) this.#tree.remove(filter, entry);
  }

  #join(entry: SubscriptionEntry, name: string, filter: string): void {
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = new SharedGroup();
      this.#groups.set(name, group);
      if (!isReserved(filter)) this.#tree.add(filter, group);
    }
    group.members.push(entry);
  }

  #part(entry: SubscriptionEntry, name: string, filter: string): void {
    const group = this.#groups.get(name);
    const at = group?.members.indexOf(entry) ?? -1;
    if (group === undefined || at < 0) return;
    group.members.splice(at, 1);
    if (group.members.length > 0) return;
    this.#groups.delete(name);
    if (!isReserved(filter)) this.#tree.remove(filter, group);
  }
}
