interface Node<T> {
  readonly parent: Node<T> | undefined;
  readonly level: string;
  children: Map<string, Node<T>> | undefined;
  values: Set<T> | undefined;
}

/**
 * Who gets a message: valid topic filters on one side, a topic name on the other. A value is found once for each of its
 * filters that match. The cost of a match is bounded by the filters kept and by two to the power of the topic's levels,
 * whichever is less, so whoever fills the tree limits levels (`validateTopicFilter`).
 */
export class SubscriptionTree<T> {
  readonly #root: Node<T> = { parent: undefined, level: "", children: undefined, values: undefined };
  #size = 0;
  #nodes = 0;

  /** How many levels are kept in memory: what the tree costs. */
  get nodes(): number {
    return this.#nodes;
  }

  /** How many (filter, value) pairs there are. */
  get size(): number {
    return this.#size;
  }

  /** False if the pair was there already. */
  add(filter: string, value: T): boolean {
    let node = this.#root;
    for (const level of filter.split("/")) node = node.children?.get(level) ?? this.#grow(node, level);
    node.values ??= new Set();
    if (node.values.has(value)) return false;
    node.values.add(value);
    this.#size++;
    return true;
  }

  /** False if there was no such pair. */
  remove(filter: string, value: T): boolean {
    let node: Node<T> | undefined = this.#root;
    for (const level of filter.split("/")) node = node?.children?.get(level);
    if (!node?.values?.delete(value)) return false;
    this.#size--;
    this.#prune(node);
    return true;
  }

  match(topic: string, visit: (value: T) => void): void {
    // A wildcard at the front does not match names that begin with $ [MQTT-4.7.2-1].
    let wildcards = !topic.startsWith("$");
    let reached: Node<T>[] = [this.#root];
    for (const level of topic.split("/")) {
      const next: Node<T>[] = [];
      for (const node of reached) {
        if (node.children === undefined) continue;
        if (wildcards) visitAll(node.children.get("#"), visit);
        if (wildcards) push(next, node.children.get("+"));
        push(next, node.children.get(level));
      }
      reached = next;
      wildcards = true;
    }
    for (const node of reached) {
      visitAll(node, visit);
      // `sport/#` matches `sport` (§4.7.1.2).
      visitAll(node.children?.get("#"), visit);
    }
  }

  #grow(parent: Node<T>, level: string): Node<T> {
    const child: Node<T> = { parent, level, children: undefined, values: undefined };
    parent.children ??= new Map();
    parent.children.set(level, child);
    this.#nodes++;
    return child;
  }

  /** Takes away what no filter needs any more, so that churn leaves nothing behind. */
  #prune(leaf: Node<T>): void {
    let node = leaf;
    while (node.parent !== undefined) {
      if (node.values?.size === 0) node.values = undefined;
      if (node.children?.size === 0) node.children = undefined;
      if (node.values !== undefined || node.children !== undefined) return;
      node.parent.children?.delete(node.level);
      this.#nodes--;
      node = node.parent;
    }
  }
}

function push<T>(list: Node<T>[], node: Node<T> | undefined): void {
  if (node !== undefined) list.push(node);
}

function visitAll<T>(node: Node<T> | undefined, visit: (value: T) => void): void {
  if (node?.values === undefined) return;
  for (const value of node.values) visit(value);
}
