// Sessions and retained messages in memory: what unit tests use, and the reference that durable stores are compared with.
import { sizeOf } from "./message.ts";
import type { Message, RetainedStore, SessionKey, SessionStore, StoredMessage, StoredSession } from "./ports.ts";

export interface QueueLimits {
  readonly queuedPerSession: number;
  readonly queuedBytesPerSession: number;
}

interface Kept {
  session: StoredSession;
  /** Undefined while the device is connected. */
  disconnectedAtMs: number | undefined;
  messages: StoredMessage[];
  bytes: number;
  nextSequence: number;
}

const NEVER_EXPIRES = 0xffffffff;

export class MemorySessionStore implements SessionStore {
  readonly #limits: QueueLimits;
  readonly #kept = new Map<string, Kept>();

  constructor(limits: QueueLimits = { queuedPerSession: 1000, queuedBytesPerSession: 4 * 1024 * 1024 }) {
    this.#limits = limits;
  }

  async load(): Promise<readonly StoredSession[]> {
    return [...this.#kept.values()].map(({ session, disconnectedAtMs }) => ({ ...session, disconnectedAtMs }));
  }

  async save(session: StoredSession): Promise<void> {
    const kept = this.#kept.get(nameOf(session.key));
    const copy = { ...session, subscriptions: session.subscriptions.map((subscription) => ({ ...subscription })) };
    if (kept !== undefined) kept.session = copy;
    else {
      const fresh = { session: copy, disconnectedAtMs: undefined, messages: [], bytes: 0, nextSequence: 1 };
      this.#kept.set(nameOf(session.key), fresh);
    }
  }

  async remove(key: SessionKey): Promise<void> {
    this.#kept.delete(nameOf(key));
  }

  async markDisconnected(key: SessionKey, atMs: number | undefined): Promise<void> {
    const kept = this.#kept.get(nameOf(key));
    if (kept !== undefined) kept.disconnectedAtMs = atMs;
  }

  async enqueue(keys: readonly SessionKey[], message: Message): Promise<readonly number[]> {
    return keys.map((key) => {
      const kept = this.#kept.get(nameOf(key));
      return kept === undefined ? 0 : this.#append(kept, message);
    });
  }

  async queued(key: SessionKey, afterSequence: number, limit: number): Promise<readonly StoredMessage[]> {
    const messages = this.#kept.get(nameOf(key))?.messages ?? [];
    return messages.filter((message) => message.sequence > afterSequence).slice(0, limit);
  }

  async dequeue(key: SessionKey, sequences: readonly number[]): Promise<void> {
    const kept = this.#kept.get(nameOf(key));
    if (kept === undefined) return;
    const gone = new Set(sequences);
    kept.messages = kept.messages.filter((message) => !gone.has(message.sequence));
    kept.bytes = kept.messages.reduce((sum, message) => sum + sizeOf(message), 0);
  }

  async expire(nowMs: number): Promise<readonly SessionKey[]> {
    const gone: SessionKey[] = [];
    for (const [name, { session, disconnectedAtMs }] of this.#kept) {
      if (disconnectedAtMs === undefined || session.expirySeconds === NEVER_EXPIRES) continue;
      if (nowMs < disconnectedAtMs + session.expirySeconds * 1000) continue;
      this.#kept.delete(name);
      gone.push(session.key);
    }
    return gone;
  }

  #append(kept: Kept, message: Message): number {
    const sequence = kept.nextSequence++;
    // A view may belong to a buffer that its owner uses again.
    kept.messages.push({ ...message, payload: Uint8Array.from(message.payload), sequence });
    kept.bytes += sizeOf(message);
    const { queuedPerSession, queuedBytesPerSession } = this.#limits;
    while (
      kept.messages.length > queuedPerSession ||
      (kept.bytes > queuedBytesPerSession && kept.messages.length > 1)
    ) {
      kept.bytes -= sizeOf(kept.messages.shift() as StoredMessage);
    }
    return sequence;
  }
}

export class MemoryRetainedStore implements RetainedStore {
  readonly #messages = new Map<string, Message>();

  async load(): Promise<readonly Message[]> {
    return [...this.#messages.values()];
  }

  async put(message: Message): Promise<void> {
    if (message.payload.length === 0) this.#messages.delete(message.topic);
    else this.#messages.set(message.topic, { ...message, payload: Uint8Array.from(message.payload) });
  }
}

// A client id may hold any character but U+0000, so that one cannot be forged from the other part.
function nameOf(key: SessionKey): string {
  return `${key.owner}\u0000${key.clientId}`;
}
