/** Bounds of ours on topic names and filters; the specification's own is 65,535 bytes. */
export interface TopicLimits {
  readonly bytes: number;
  readonly levels: number;
}

export interface TopicFault {
  readonly clause: string;
  readonly message: string;
}

export interface FilterFault extends TopicFault {
  /** The fault is in the `$share/group/` part: a protocol error, not a malformed packet. */
  readonly shared: boolean;
}

/** A shared subscription: `$share/group/filter` (MQTT 5 §4.8.2; 3.1.1 clients use it by convention). */
export interface SharedFilter {
  readonly group: string;
  readonly filter: string;
}

const SHARE = "$share/";

/** What is wrong with a topic filter, or undefined. Its characters are the decoder's matter. */
export function validateTopicFilter(filter: string, limits?: TopicLimits): FilterFault | undefined {
  const fault = sharedFault(filter) ?? wildcardFault(parseSharedFilter(filter)?.filter ?? filter);
  if (fault !== undefined) return fault;
  const over = limits && overTopicLimits(filter, limits);
  return over && { ...over, shared: false };
}

/** What is wrong with a topic name, or undefined. */
export function validateTopicName(name: string, limits?: TopicLimits): TopicFault | undefined {
  if (name === "") return { clause: "MQTT-4.7.3-1", message: "the topic name is empty" };
  if (name.includes("+") || name.includes("#")) {
    return { clause: "MQTT-3.3.2-2", message: "the topic name contains a wildcard" };
  }
  return limits && overTopicLimits(name, limits);
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

function sharedFault(filter: string): FilterFault | undefined {
  if (!isSharedFilter(filter)) return undefined;
  const slash = filter.indexOf("/", SHARE.length);
  const group = slash < 0 ? "" : filter.slice(SHARE.length, slash);
  if (group === "" || group.includes("+") || group.includes("#")) {
    return { clause: "MQTT-4.8.2-1", message: "a shared subscription needs a group without wildcards", shared: true };
  }
  if (slash + 1 < filter.length) return undefined;
  return { clause: "MQTT-4.8.2-2", message: "a shared subscription needs a topic filter", shared: true };
}

function wildcardFault(filter: string): FilterFault | undefined {
  if (filter === "") return { clause: "MQTT-4.7.3-1", message: "the topic filter is empty", shared: false };
  for (let at = 0; at < filter.length; at++) {
    const character = filter[at];
    if (character !== "+" && character !== "#") continue;
    const last = at === filter.length - 1;
    const whole = (at === 0 || filter[at - 1] === "/") && (last || filter[at + 1] === "/");
    if (!whole || (character === "#" && !last)) return misplaced(character);
  }
  return undefined;
}

function misplaced(wildcard: "+" | "#"): FilterFault {
  const [clause, rule] =
    wildcard === "#" ? ["MQTT-4.7.1-1", "must be the whole last level"] : ["MQTT-4.7.1-2", "must be a whole level"];
  return { clause, message: `${wildcard} ${rule} of a topic filter`, shared: false };
}

function overTopicLimits(text: string, limits: TopicLimits): TopicFault | undefined {
  const bytes = Buffer.byteLength(text);
  if (bytes > limits.bytes) {
    return { clause: "limit bytes", message: `a topic of ${bytes} bytes is over the limit of ${limits.bytes}` };
  }
  const levels = countLevels(text);
  if (levels <= limits.levels) return undefined;
  return { clause: "limit levels", message: `a topic of ${levels} levels is over the limit of ${limits.levels}` };
}

function countLevels(text: string): number {
  let levels = 1;
  for (let at = text.indexOf("/"); at >= 0; at = text.indexOf("/", at + 1)) levels++;
  return levels;
}
