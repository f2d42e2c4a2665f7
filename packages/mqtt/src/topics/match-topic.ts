/**
 * Whether a valid filter matches a topic name (§4.7). Of a shared filter give the part behind the group.
 * `sport/#` matches `sport` too, and no wildcard at the front matches a name that begins with `$` [MQTT-4.7.2-1].
 */
export function matchTopic(filter: string, topic: string): boolean {
  if (topic.startsWith("$") && (filter.startsWith("+") || filter.startsWith("#"))) return false;
  let filterAt = 0;
  let topicAt = 0;
  for (;;) {
    const filterEnd = levelEnd(filter, filterAt);
    const level = filter.slice(filterAt, filterEnd);
    if (level === "#") return true;
    if (topicAt > topic.length) return false;
    const topicEnd = levelEnd(topic, topicAt);
    if (level !== "+" && level !== topic.slice(topicAt, topicEnd)) return false;
    if (filterEnd === filter.length) return topicEnd === topic.length;
    filterAt = filterEnd + 1;
    topicAt = topicEnd + 1;
  }
}

function levelEnd(text: string, start: number): number {
  const slash = text.indexOf("/", start);
  return slash < 0 ? text.length : slash;
}
