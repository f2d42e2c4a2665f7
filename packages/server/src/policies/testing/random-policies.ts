// Random policies and requests that are likely to meet: both are put together from the same few pieces.
import type { PrincipalContext } from "../variables.ts";
import type { RawPolicy, RawStatement, ReferenceRequest } from "./reference-matcher.ts";

/** A seeded generator (mulberry32): a failure names its seed and can be run again. */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }

  /** True in one of `n` cases. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  several<Item>(least: number, most: number, make: () => Item): Item[] {
    return Array.from({ length: least + this.below(most - least + 1) }, make);
  }
}

const NAMES = ["a", "b", "ab", "dev1", "Dev1", "a:b", "a.b", "é", "😀", "x-1", "$aws", "(", "a\nb"];
const AWKWARD = ["+", "#", "*", "a*", "a?b", "$", "", "{}", "\\", "^a$"];
const VARIABLES = [
  "iot:ClientId",
  "iot:Connection.Thing.ThingName",
  "iot:Connection.Thing.ThingTypeName",
  "iot:Connection.Thing.Attributes[site]",
  "iot:Connection.Thing.IsAttached",
  "iot:Certificate.Subject.CommonName",
  "iot:Certificate.Subject.Organization.1",
  "iot:Certificate.SerialNumber",
];
const ACTIONS = ["iot:Connect", "iot:Publish", "iot:Receive", "iot:Subscribe", "iot:RetainPublish"];
const TYPES = ["client", "topic", "topicfilter"];

export function randomPrincipal(chance: Chance): PrincipalContext {
  const value = (): string => (chance.oneIn(5) ? chance.pick(AWKWARD) : chance.pick(NAMES));
  const thing = {
    name: chance.pick(NAMES),
    typeName: chance.oneIn(2) ? undefined : chance.pick(NAMES),
    attributes: chance.oneIn(2) ? {} : { site: value() },
  };
  const name = {
    attributes: { CommonName: [value()], Organization: chance.several(0, 3, value) },
    alternativeNames: {},
  };
  return {
    clientId: value() || "a",
    sourceAddress: chance.pick(["192.0.2.1", "192.0.2.200", "198.51.100.7"]),
    thing: chance.oneIn(4) ? undefined : thing,
    certificate: chance.oneIn(4) ? undefined : { serialNumber: chance.pick(NAMES), subject: name, issuer: name },
  };
}

export function randomPolicy(chance: Chance): RawPolicy {
  return { Version: "2012-10-17", Statement: chance.several(1, 4, () => randomStatement(chance)) };
}

function randomStatement(chance: Chance): RawStatement {
  const action = (): string =>
    chance.oneIn(3) ? chance.pick(["iot:*", "*", "iot:Pub*", "iot:*e*", "iot:?ublish"]) : chance.pick(ACTIONS);
  const resources = chance.several(1, 3, () => randomResource(chance));
  return {
    Effect: chance.oneIn(4) ? "Deny" : "Allow",
    Action: chance.oneIn(3) ? action() : chance.several(1, 3, action),
    ...(chance.oneIn(6)
      ? { NotResource: resources }
      : { Resource: chance.oneIn(2) ? resources : (resources[0] as string) }),
    ...(chance.oneIn(3) ? { Condition: randomCondition(chance) } : {}),
  };
}

function randomResource(chance: Chance): string {
  if (chance.oneIn(20)) return "*";
  const prefix = chance.pick([
    "arn:aws:iot:eu-west-1:123456789012:",
    "arn:*:iot:*:*:",
    "arn:aws:iot:::",
    "arn:aws:s3:::",
  ]);
  const type = chance.oneIn(8) ? chance.pick(["*", "top*", "?opic", "thing"]) : chance.pick(TYPES);
  return `${prefix}${type}/${chance.several(1, 3, () => patternSegment(chance)).join("/")}`;
}

function patternSegment(chance: Chance): string {
  switch (chance.below(8)) {
    case 0:
      return "*";
    case 1:
      return chance.pick(["?", "??", "a?", "*b", "a*", "*e*1", "*a*b*", "?*"]);
    case 2:
      return chance.pick(["${*}", "a${?}b", "${$}aws", "${$}", "a${*}"]);
    case 3:
    case 4:
      return `\${${chance.pick(VARIABLES)}}`;
    case 5:
      return `${chance.pick(["", "x-", "a"])}\${${chance.pick(VARIABLES)}}${chance.pick(["", "*", "?"])}`;
    case 6:
      return chance.pick(["+", "#", ...NAMES]);
    default:
      return chance.pick(NAMES);
  }
}

const STRING_OPERATORS = [
  "StringEquals",
  "StringNotEquals",
  "StringLike",
  "StringNotLike",
  "StringEqualsIgnoreCase",
  "StringNotEqualsIgnoreCase",
];

function randomCondition(chance: Chance): NonNullable<RawStatement["Condition"]> {
  const operator = chance.pick(STRING_OPERATORS) + (chance.oneIn(4) ? "IfExists" : "");
  const values = chance.several(1, 3, () => (chance.oneIn(3) ? patternSegment(chance) : chance.pick(NAMES)));
  switch (chance.below(7)) {
    case 0:
      return { Bool: { "iot:Connection.Thing.IsAttached": chance.pick(["true", "false"]) } };
    case 1:
      return { [chance.pick(["IpAddress", "NotIpAddress"])]: { "aws:SourceIp": ["192.0.2.0/25", "203.0.113.9"] } };
    case 2: {
      const quantifier = chance.pick(["ForAllValues:", "ForAnyValue:", ""]);
      const attributes = chance.several(1, 2, () => chance.pick(["PersistentConnect", "LastWill"]));
      return {
        [`${quantifier}${chance.pick(["StringEquals", "StringNotEquals"])}`]: { "iot:ConnectAttributes": attributes },
      };
    }
    case 3: {
      const arn = `arn:aws:iot:::topic/${patternSegment(chance)}`;
      return {
        [chance.pick(["ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike", "ArnEqualsIfExists"])]: {
          "iot:LastWillTopic": arn,
        },
      };
    }
    case 4:
      return { Null: { [chance.pick(VARIABLES)]: chance.pick(["true", "false"]) } };
    case 5: {
      const quantifier = chance.pick(["ForAllValues:", "ForAnyValue:"]);
      return { [`${quantifier}${operator}`]: { "iot:Certificate.Subject.Organization.List": values } };
    }
    default:
      return { [operator]: { [chance.pick(VARIABLES)]: values } };
  }
}

export function randomRequest(chance: Chance, principal: PrincipalContext): ReferenceRequest {
  const action = chance.pick(ACTIONS);
  const type = action === "iot:Connect" ? "client" : action === "iot:Subscribe" ? "topicfilter" : "topic";
  const known = [principal.clientId, principal.thing?.name ?? "a", principal.certificate?.serialNumber ?? "b"];
  const segment = (): string =>
    chance.oneIn(3) ? chance.pick(known) : chance.oneIn(4) ? chance.pick(AWKWARD) : chance.pick(NAMES);
  const connect = action === "iot:Connect";
  return {
    action,
    resource: `${type}/${connect && chance.oneIn(2) ? principal.clientId : chance.several(1, 3, segment).join("/")}`,
    connectAttributes: connect ? chance.several(0, 2, () => chance.pick(["PersistentConnect", "LastWill"])) : [],
    lastWillTopic: connect && chance.oneIn(2) ? segment() : undefined,
  };
}
