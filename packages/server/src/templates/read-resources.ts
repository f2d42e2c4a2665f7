import { Fault } from "../kit/fault.ts";
import type { Findings } from "./findings.ts";
import type { JsonNode } from "./json-reader.ts";
import { describeNode, type Located, literalText, membersOf, onlyKeys } from "./members.ts";
import type { OverrideRule } from "./plan.ts";
import { type Reading, readExpression } from "./read-expression.ts";
import type { CertificateResource, Expression, LintOptions, PolicyResource, ThingResource } from "./template.ts";

export interface ReadResources {
  readonly thing: ThingResource | undefined;
  readonly certificate: CertificateResource;
  readonly policies: readonly PolicyResource[];
}

const TYPES = ["AWS::IoT::Thing", "AWS::IoT::Certificate", "AWS::IoT::Policy"];

/** Reads the Resources section. Undefined where something was reported that leaves no template to evaluate. */
export function readResources(section: Located, reading: Reading, options: LintOptions): ReadResources | undefined {
  const { findings } = reading;
  const things: (ThingResource | undefined)[] = [];
  const certificates: (CertificateResource | undefined)[] = [];
  const policies: (PolicyResource | undefined)[] = [];
  for (const [logicalName, value] of membersOf(section, findings) ?? []) {
    const resource = openResource(logicalName, value, reading);
    if (resource === undefined) continue;
    if (resource.type === "AWS::IoT::Thing") things.push(readThing(resource));
    else if (resource.type === "AWS::IoT::Certificate") certificates.push(readCertificate(resource));
    else policies.push(readPolicy(resource, options));
  }
  if (things.length > 1)
    findings.error(section, `There are ${things.length} things.`, "A template provisions one thing.");
  if (certificates.length !== 1) {
    const found = `There are ${certificates.length} resources of type AWS::IoT::Certificate; exactly one is needed.`;
    findings.error(section, found, 'Declare one with "CertificateId": {"Ref": "AWS::IoT::Certificate::Id"}.');
  }
  const [certificate] = certificates;
  const read = policies.filter((policy) => policy !== undefined);
  return certificate === undefined ? undefined : { thing: things[0], certificate, policies: read };
}

interface OpenResource {
  readonly type: string;
  readonly logicalName: string;
  readonly at: Located;
  readonly properties: ReadonlyMap<string, Located>;
  readonly overrides: ReadonlyMap<string, Located>;
  readonly reading: Reading;
}

const NONE: ReadonlyMap<string, Located> = new Map();

function openResource(logicalName: string, value: Located, reading: Reading): OpenResource | undefined {
  const { findings } = reading;
  const members = membersOf(value, findings);
  if (members === undefined) return undefined;
  onlyKeys(members, ["Type", "Properties", "OverrideSettings"], findings);
  const typeAt = members.get("Type");
  const type = typeAt === undefined ? undefined : literalText(typeAt, findings);
  if (type === undefined || !TYPES.includes(type)) {
    const found =
      type === undefined ? `The resource "${logicalName}" has no Type.` : `"${type}" is not a resource type.`;
    return findings.error(typeAt ?? value, found, `Known: ${TYPES.join(", ")}.`);
  }
  const written = members.get("Properties");
  const properties = written === undefined ? undefined : membersOf(written, findings);
  if (written === undefined) findings.error(value, `The resource "${logicalName}" has no Properties.`, "Add them.");
  if (properties === undefined) return undefined;
  const settings = members.get("OverrideSettings");
  const overrides = (settings && membersOf(settings, findings)) ?? NONE;
  return { type, logicalName, at: value, properties, overrides, reading };
}

function readThing(resource: OpenResource): ThingResource | undefined {
  const { properties, reading, at, logicalName } = resource;
  const { findings } = reading;
  onlyKeys(properties, ["ThingName", "AttributePayload", "ThingTypeName", "ThingGroups", "BillingGroup"], findings);
  onlyKeys(resource.overrides, ["AttributePayload", "ThingTypeName", "ThingGroups"], findings);
  const name = textProperty(resource, "ThingName");
  if (!properties.has("ThingName"))
    findings.error(at, `The thing "${logicalName}" has no ThingName.`, "Add ThingName.");
  const attributes = readAttributes(resource);
  const thing = {
    logicalName,
    path: at.path,
    typeName: textProperty(resource, "ThingTypeName"),
    attributes,
    groups: readGroups(resource),
    billingGroup: textProperty(resource, "BillingGroup"),
    override: {
      attributes: overrideRule(resource, "AttributePayload", true),
      typeName: overrideRule(resource, "ThingTypeName", false),
      groups: overrideRule(resource, "ThingGroups", true),
    },
  };
  if (attributes.size > 3 && thing.typeName === undefined) {
    const found = `AWS IoT allows at most 3 attributes on a thing without ThingTypeName; here are ${attributes.size}.`;
    findings.warning(at, found, "Fleetmint takes them; add a ThingTypeName if the fleet also lives on AWS.");
  }
  return name === undefined ? undefined : { ...thing, name };
}

function readAttributes({ properties, reading }: OpenResource): ReadonlyMap<string, Expression> {
  const attributes = new Map<string, Expression>();
  const payload = properties.get("AttributePayload");
  for (const [key, value] of (payload && membersOf(payload, reading.findings)) ?? []) {
    const expression = readText(value, `The attribute "${key}"`, reading);
    if (expression !== undefined) attributes.set(key, expression);
  }
  return attributes;
}

/** A list of names, or a function that makes one. */
function readGroups({ properties, reading }: OpenResource): Expression | undefined {
  const value = properties.get("ThingGroups");
  if (value === undefined) return undefined;
  const expression = readExpression(value, reading);
  if (expression?.kind === "list" || (expression !== undefined && isCall(expression))) return expression;
  if (expression === undefined) return undefined;
  return reading.findings.error(value, `ThingGroups is a list, not ${describeNode(value.node)}.`, 'Write ["name"].');
}

function readCertificate(resource: OpenResource): CertificateResource | undefined {
  const { properties, reading, at, logicalName } = resource;
  const { findings } = reading;
  for (const key of ["CertificateSigningRequest", "CertificatePem", "CACertificatePem"]) {
    const spot = properties.get(key);
    if (spot === undefined) continue;
    const remedy = 'Use "CertificateId": {"Ref": "AWS::IoT::Certificate::Id"} alone.';
    findings.error(
      { ...spot, at: spot.keyAt },
      `${key} has no place in a fleet provisioning template: the certificate exists already.`,
      remedy,
    );
  }
  const known = ["CertificateId", "Status", "ThingPrincipalType"];
  onlyKeys(properties, [...known, "CertificateSigningRequest", "CertificatePem", "CACertificatePem"], findings);
  onlyKeys(resource.overrides, ["Status"], findings);
  overrideRule(resource, "Status", false);
  const certificateId = textProperty(resource, "CertificateId");
  if (!properties.has("CertificateId")) {
    findings.error(
      at,
      `The certificate "${logicalName}" has no CertificateId.`,
      'Add {"Ref": "AWS::IoT::Certificate::Id"}.',
    );
  }
  const status = oneOf(resource, "Status", ["ACTIVE", "INACTIVE"]);
  const principalType = oneOf(resource, "ThingPrincipalType", ["EXCLUSIVE_THING", "NON_EXCLUSIVE_THING"]);
  if (certificateId === undefined) return undefined;
  return { logicalName, path: at.path, certificateId, status, principalType };
}

function readPolicy(resource: OpenResource, options: LintOptions): PolicyResource | undefined {
  const { properties, reading, at, logicalName } = resource;
  const { findings } = reading;
  onlyKeys(properties, ["PolicyName", "PolicyDocument"], findings);
  for (const [key, spot] of resource.overrides) {
    findings.error({ ...spot, at: spot.keyAt }, `A policy takes no OverrideSettings ("${key}").`, "Remove them.");
  }
  if (properties.has("PolicyName") === properties.has("PolicyDocument")) {
    const found = `The policy "${logicalName}" needs either PolicyName or PolicyDocument, and not both.`;
    return findings.error(
      at,
      found,
      "PolicyName refers to a policy that exists; PolicyDocument makes one, named by its hash.",
    );
  }
  const name = textProperty(resource, "PolicyName");
  const document = readDocument(resource, options);
  return name === undefined && document === undefined ? undefined : { logicalName, path: at.path, name, document };
}

function readDocument({ properties, reading }: OpenResource, options: LintOptions): Expression | undefined {
  const value = properties.get("PolicyDocument");
  if (value === undefined) return undefined;
  const before = reading.references.length;
  const expression = readExpression(value, reading);
  if (expression === undefined) return undefined;
  if (expression.kind === "list" || expression.kind === "scalar") {
    const found = `PolicyDocument is an object or text, not ${describeNode(value.node)}.`;
    return reading.findings.error(value, found, "Write the policy's JSON object.");
  }
  const constant = reading.references.length === before && (expression.kind === "text" || !holdsCall(expression));
  if (constant) checkDocument(value, reading.findings, options);
  return expression;
}

function checkDocument(value: Located, findings: Findings, { checkPolicy }: LintOptions): void {
  try {
    checkPolicy?.(toPlain(value.node));
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    findings.error(value, `The policy document has a mistake: ${error.message}`, "Correct the document.");
  }
}

/** The document as JSON.parse would give it; keys were already found harmless. */
function toPlain(node: JsonNode): unknown {
  switch (node.kind) {
    case "object":
      return Object.fromEntries(node.members.map(({ key, value }) => [key, toPlain(value)]));
    case "array":
      return node.items.map(toPlain);
    case "null":
      return null;
    default:
      return node.value;
  }
}

function holdsCall(expression: Expression): boolean {
  if (expression.kind === "list") return expression.items.some(holdsCall);
  if (expression.kind === "object") return [...expression.members.values()].some(holdsCall);
  return isCall(expression);
}

function isCall(expression: Expression): boolean {
  return expression.kind === "Ref" || expression.kind.startsWith("Fn::");
}

function textProperty({ properties, reading }: OpenResource, key: string): Expression | undefined {
  const value = properties.get(key);
  return value === undefined ? undefined : readText(value, key, reading);
}

/** Text, or a function that makes it. */
function readText(value: Located, what: string, reading: Reading): Expression | undefined {
  const expression = readExpression(value, reading);
  if (expression === undefined) return undefined;
  if (expression.kind === "text" || isCall(expression)) return expression;
  const found = `${what} must be text or a function, not ${describeNode(value.node)}.`;
  return reading.findings.error(value, found, 'Write "…" or {"Ref": "…"}.');
}

/** A literal is compared at once, without regard to case: most public templates write "Active". */
function oneOf(resource: OpenResource, key: string, allowed: readonly string[]): Expression | undefined {
  const expression = textProperty(resource, key);
  if (expression?.kind === "text" && !allowed.includes(expression.text.toUpperCase())) {
    const spot = resource.properties.get(key) as Located;
    resource.reading.findings.error(spot, `${key} cannot be "${expression.text}".`, `Write ${allowed.join(" or ")}.`);
  }
  return expression;
}

/** Without a rule an existing setting is left as it is. */
function overrideRule(resource: OpenResource, key: string, mergeable: boolean): OverrideRule {
  const value = resource.overrides.get(key);
  if (value === undefined) return "DO_NOTHING";
  const allowed: OverrideRule[] = ["DO_NOTHING", "REPLACE", "FAIL"];
  if (mergeable) allowed.push("MERGE");
  const written = value.node.kind === "string" ? value.node.value : undefined;
  const rule = allowed.find((name) => name === written);
  if (rule !== undefined) return rule;
  resource.reading.findings.error(value, `This is not a rule for ${key}.`, `Write ${allowed.join(", ")}.`);
  return "DO_NOTHING";
}
