// What a policy can ask about the connection it judges. One table serves `${…}` in resources and keys in conditions,
// so a name means the same in both. Names are those of the AWS IoT Core developer guide.

/** The attributes of a distinguished name that the policy language knows. */
export const NAME_ATTRIBUTES = [
  "DistinguishedNameQualifier",
  "Country",
  "Organization",
  "OrganizationalUnit",
  "State",
  "CommonName",
  "SerialNumber",
  "Title",
  "Surname",
  "GivenName",
  "Initials",
  "Pseudonym",
  "GenerationQualifier",
] as const;

export const ALTERNATIVE_NAMES = [
  "RFC822Name",
  "DNSName",
  "DirectoryName",
  "UniformResourceIdentifier",
  "IPAddress",
] as const;

export type NameAttribute = (typeof NAME_ATTRIBUTES)[number];
export type AlternativeName = (typeof ALTERNATIVE_NAMES)[number];

/** One end of a certificate: its distinguished name and its alternative names, each with its values in order. */
export interface CertificateName {
  readonly attributes: Readonly<Partial<Record<NameAttribute, readonly string[]>>>;
  readonly alternativeNames: Readonly<Partial<Record<AlternativeName, readonly string[]>>>;
}

export interface CertificateContext {
  readonly serialNumber: string;
  readonly subject: CertificateName;
  readonly issuer: CertificateName;
}

/** What is known of a device when it connects; constant for the life of the connection. */
export interface PrincipalContext {
  readonly clientId: string;
  readonly sourceAddress: string;
  /** Undefined while the certificate is attached to no thing. */
  readonly thing:
    | {
        readonly name: string;
        readonly typeName: string | undefined;
        readonly attributes: Readonly<Record<string, string>>;
      }
    | undefined;
  readonly certificate: CertificateContext | undefined;
}

/** What only the single request knows. */
export interface RequestContext {
  readonly connectAttributes?: readonly ConnectAttribute[];
  readonly lastWillTopic?: string | undefined;
  readonly nowMs?: number | undefined;
}

export type ConnectAttribute = "PersistentConnect" | "LastWill";

export interface Variable {
  readonly name: string;
  /** Who chose the value: it decides which characters are safe to put into a resource. */
  readonly origin: "client" | "thing" | "certificate" | "request";
  /** Holds several values at once, so it may stand in a condition but not in a resource. */
  readonly several: boolean;
  /** An empty list when the connection has no such value. */
  read(principal: PrincipalContext, request: RequestContext): readonly string[];
}

/** AWS looks at no more than five values of one attribute. */
const VALUES_PER_ATTRIBUTE = 5;
const ATTRIBUTE_VARIABLE = /^iot:Connection\.Thing\.Attributes\[([a-zA-Z0-9_.,@/:#-]{1,128})\]$/;
const CERTIFICATE_VARIABLE =
  /^iot:Certificate\.(Subject|Issuer)\.(AlternativeName\.)?([A-Za-z0-9]+)(?:\.([1-4]|List))?$/;

/** Finds the variable of this exact name; undefined if the language has none. */
export function findVariable(name: string): Variable | undefined {
  return SIMPLE.get(name) ?? thingAttribute(name) ?? certificateValue(name);
}

/** The name that was probably meant, where only upper and lower case differ. */
export function similarVariable(name: string): string | undefined {
  const wanted = name.toLowerCase();
  return [...SIMPLE.keys()].find((known) => known.toLowerCase() === wanted);
}

const SIMPLE: ReadonlyMap<string, Variable> = new Map(
  [
    simple("iot:ClientId", "client", (principal) => [principal.clientId]),
    simple("aws:SourceIp", "client", (principal) => [principal.sourceAddress]),
    simple("iot:Connection.Thing.ThingName", "thing", ({ thing }) => optional(thing?.name)),
    simple("iot:Connection.Thing.ThingTypeName", "thing", ({ thing }) => optional(thing?.typeName)),
    simple("iot:Connection.Thing.IsAttached", "thing", ({ thing }) => [String(thing !== undefined)]),
    simple("iot:Certificate.SerialNumber", "certificate", ({ certificate }) => optional(certificate?.serialNumber)),
    { ...simple("iot:Certificate.AvailableKeys", "certificate", availableKeys), several: true },
    { ...simple("iot:ConnectAttributes", "request", (_, request) => request.connectAttributes ?? []), several: true },
    simple("iot:LastWillTopic", "request", (_, { lastWillTopic }) => optional(lastWillTopic)),
    simple("aws:CurrentTime", "request", (_, { nowMs }) => (nowMs === undefined ? [] : [String(nowMs / 1000)])),
    simple("aws:EpochTime", "request", (_, { nowMs }) =>
      nowMs === undefined ? [] : [String(Math.floor(nowMs / 1000))],
    ),
  ].map((variable) => [variable.name, variable]),
);

function simple(name: string, origin: Variable["origin"], read: Variable["read"]): Variable {
  return { name, origin, several: false, read };
}

function optional(value: string | undefined): readonly string[] {
  return value === undefined ? [] : [value];
}

function thingAttribute(name: string): Variable | undefined {
  const attribute = ATTRIBUTE_VARIABLE.exec(name)?.[1];
  if (attribute === undefined) return undefined;
  return simple(name, "thing", ({ thing }) =>
    thing !== undefined && Object.hasOwn(thing.attributes, attribute) ? optional(thing.attributes[attribute]) : [],
  );
}

function certificateValue(name: string): Variable | undefined {
  const [, end, alternative, attribute, suffix] = CERTIFICATE_VARIABLE.exec(name) ?? [];
  if (attribute === undefined) return undefined;
  const known: readonly string[] = alternative === undefined ? NAME_ATTRIBUTES : ALTERNATIVE_NAMES;
  if (!known.includes(attribute)) return undefined;
  const all = ({ certificate }: PrincipalContext): readonly string[] => {
    const side = end === "Subject" ? certificate?.subject : certificate?.issuer;
    const values: Readonly<Record<string, readonly string[]>> | undefined =
      alternative === undefined ? side?.attributes : side?.alternativeNames;
    return values?.[attribute]?.slice(0, VALUES_PER_ATTRIBUTE) ?? [];
  };
  if (suffix === "List") return { ...simple(name, "certificate", all), several: true };
  // Without a suffix the first value is meant; `.1` is the second.
  const index = Number(suffix ?? 0);
  return simple(name, "certificate", (principal) => all(principal).slice(index, index + 1));
}

function availableKeys({ certificate }: PrincipalContext): readonly string[] {
  if (certificate === undefined) return [];
  const names = [];
  for (const end of ["Subject", "Issuer"] as const) {
    const side = end === "Subject" ? certificate.subject : certificate.issuer;
    names.push(...filled(side.attributes, `iot:Certificate.${end}.`));
    names.push(...filled(side.alternativeNames, `iot:Certificate.${end}.AlternativeName.`));
  }
  return [...names, "iot:Certificate.SerialNumber"];
}

function filled(values: Readonly<Record<string, readonly string[] | undefined>>, prefix: string): readonly string[] {
  return Object.entries(values).flatMap(([name, list]) =>
    list !== undefined && list.length > 0 ? [prefix + name] : [],
  );
}
