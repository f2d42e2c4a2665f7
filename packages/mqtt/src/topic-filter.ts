export interface TopicLimits {
  readonly bytes: number;
  readonly levels: number;
}

export interface FilterFault {
  readonly clause: string;
  readonly message: string;
  /** The fault is in the `$share/group/` part: a protocol error, not a malformed packet. */
  readonly shared: boolean;
}

/** A shared subscription: `$share/group/filter` (MQTT 5 §4.8.2; 3.1.1 clients use it by convention). */
export interface SharedFilter {
  readonly group: string;
  readonly filter: string;
}

const SHARE = "$share/";

/** What is wrong with the syntax of `filter`, or undefined. */
export function topicFilterFault(filter: string): FilterFault | undefined {
  if (!isSharedFilter(filter)) return wildcardFault(filter);
  const slash = filter.indexOf("/", SHARE.length);
  const group = slash < 0 ? "" : filter.slice(SHARE.length, slash);
  if (group === "" || group.includes("+") || group.includes("#")) {
    return { clause: "MQTT-4.8.2-1", message: "a shared subscription needs a group without wildcards", shared: true };
  }
  if (slash + 1 === filter.length) {
    return { clause: "MQTT-4.8.2-2", message: "a shared subscription needs a topic filter", shared: true };
  }
  return wildcardFault(filter.slice(slash + 1));
}

export function isSharedFilter(filter: string): boolean {
  return filter.startsWith(SHARE);
}

/** The parts of a valid shared filter; undefined for any other. */
export function parseSharedFilter(filter: string): SharedFilter | undefined {
  if (!isSharedFilter(filter)) return undefined;
  const slash = filter.indexOf("/", SHARE.length);
  return { group: filter.slice(SHARE.length, slash), filter: filter.slice(slash + 1) };
}

function wildcardFault(filter: string): FilterFault | undefined {
  if (filter === "") return { clause: "MQTT-4.7.3-1", message: "the topic filter is empty", shared: false };
  for (let at = 0; at < filter.length; at++) {
    const character = filter[at];
    if (character !== "+" && character !== "#") continue;
    if (!isWholeLevel(filter, at)) return misplaced(character);
    if (character === "#" && at !== filter.length - 1) return misplaced(character);
  }
  return undefined;
}

function isWholeLevel(filter: string, at: number): boolean {
  const before = at === 0 || filter[at - 1] === "/";
  const after = at === filter.length - 1 || filter[at + 1] === "/";
  return before && after;
}

function misplaced(wildcard: "+" | "#"): FilterFault {
  const [clause, rule] =
    wildcard === "#" ? ["MQTT-4.7.1-1", "must be the whole last level"] : ["MQTT-4.7.1-2", "must be a whole level"];
  return { clause, message: `${wildcard} ${rule} of a topic filter`, shared: false };
}
