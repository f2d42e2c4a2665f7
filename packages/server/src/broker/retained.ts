import type { Clock } from "../kit/clock.ts";
import type { BrokerLimits } from "./broker-limits.ts";
import { sizeOf } from "./message.ts";
import type { Message, RetainedStore } from "./ports.ts";

interface Node {
  readonly children: Map<string, Node>;
  message: Message | undefined;
}

/** Retained messages: kept in a tree of topic levels, so that a subscription visits only what it can match. */
export class Retained {
  readonly #store: RetainedStore;
  readonly #limits: BrokerLimits;
  readonly #clock: Clock;
  readonly #root: Node = newNode();
  #count = 0;
  #bytes = 0;

  constructor(ports: { retained: RetainedStore; clock: Clock }, limits: BrokerLimits) {
    this.#store = ports.retained;
    this.#clock = ports.clock;
    this.#limits = limits;
  }

  get count(): number {
    return this.#count;
  }

  async load(): Promise<void> {
    for (const message of await this.#store.load()) this.#set(message);
  }

  /** Whether one more message finds room; replacing or removing one always does unless it grows over the bytes. */
  fits(message: Message): boolean {
    if (message.payload.length === 0) return true;
    const old = this.#find(message.topic)?.message;
    const count = this.#count + (old === undefined ? 1 : 0);
    const bytes = this.#bytes + sizeOf(message) - (old === undefined ? 0 : sizeOf(old));
    return count <= this.#limits.retainedMessages && bytes <= this.#limits.retainedBytes;
  }

  /** Keeps it, or with an empty payload removes what was kept [MQTT-3.3.1-6]. Resolves when that is durable. */
  put(message: Message): Promise<void> {
    if (message.payload.length === 0) this.#remove(message.topic);
    else this.#set(message);
    return this.#store.put(message);
  }

  /** Every retained message that the filter matches and that has not expired. */
  *matching(filter: string): Generator<Message> {
    yield* this.#walk(this.#root, filter.split("/"), 0);
  }

  *#walk(node: Node, levels: readonly string[], depth: number): Generator<Message> {
    const level = levels[depth];
    if (level === undefined) yield* this.#alive(node);
    else if (level === "#") {
      yield* this.#below(node, depth === 0);
    } else if (level === "+") {
      for (const [name, child] of node.children) {
        // Wildcards at the start do not match topics that begin with $ [MQTT-4.7.2-1].
        if (depth > 0 || !name.startsWith("$")) yield* this.#walk(child, levels, depth + 1);
      }
    } else {
      const child = node.children.get(level);
      if (child !== undefined) yield* this.#walk(child, levels, depth + 1);
    }
  }

  /** `sport/#` matches `sport` too (MQTT §4.7.1.2). */
  *#below(node: Node, atStart: boolean): Generator<Message> {
    yield* this.#alive(node);
    for (const [name, child] of node.children) {
      if (!atStart || !name.startsWith("$")) yield* this.#below(child, false);
    }
  }

  *#alive({ message }: Node): Generator<Message> {
    if (message === undefined) return;
    if (message.expiresAtMs === undefined || message.expiresAtMs > this.#clock.now()) yield message;
  }

  #find(topic: string): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const level of topic.split("/")) node = node?.children.get(level);
    return node;
  }

  #set(message: Message): void {
    let node = this.#root;
    for (const level of message.topic.split("/")) {
      let child = node.children.get(level);
      if (child === undefined) {
        child = newNode();
        node.children.set(level, child);
      }
      node = child;
    }
    this.#forget(node);
    node.message = message;
    this.#count++;
    this.#bytes += sizeOf(message);
  }

  #remove(topic: string): void {
    const path: { parent: Node; level: string }[] = [];
    let node = this.#root;
    for (const level of topic.split("/")) {
      const child = node.children.get(level);
      if (child === undefined) return;
      path.push({ parent: node, level });
      node = child;
    }
    this.#forget(node);
    // Branches that lead to nothing any more must not pile up.
    for (const { parent, level } of path.reverse()) {
      const child = parent.children.get(level);
      if (child === undefined || child.message !== undefined || child.children.size > 0) return;
      parent.children.delete(level);
    }
  }

  #forget(node: Node): void {
    if (node.message === undefined) return;
    this.#count--;
    this.#bytes -= sizeOf(node.message);
    node.message = undefined;
  }
}

function newNode(): Node {
  return { children: new Map(), message: undefined };
}
