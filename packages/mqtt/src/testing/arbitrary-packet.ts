import fc from "fast-check";
import type { Role } from "../codec-limits.ts";
import type { Packet, ProtocolVersion, Subscription, UserProperty } from "../packets.ts";
import { isCleanText } from "../utf8.ts";

/** A packet, the version it is of, and the end of the connection that may receive it. */
export interface Sample {
  readonly version: ProtocolVersion;
  readonly reader: Role;
  readonly packet: Packet;
}

/** Any packet that may travel, in both versions and both directions. */
export function arbitrarySample(): fc.Arbitrary<Sample> {
  const version = fc.constantFrom<ProtocolVersion>(4, 5);
  const reader = fc.constantFrom<Role>("server", "client");
  return fc
    .tuple(version, reader)
    .chain(([version, reader]) => packetFor(version, reader).map((packet) => ({ version, reader, packet })));
}

function packetFor(version: ProtocolVersion, reader: Role): fc.Arbitrary<Packet> {
  const bothWays = [publish(version, reader), ...acknowledgements(version)];
  if (reader === "server")
    return fc.oneof(...bothWays, connect(version), subscribe(version), unsubscribe(version), end(version));
  const fromServer = [connack(version), suback(version), unsuback(version), fc.constant<Packet>({ type: "pingresp" })];
  if (version === 4) return fc.oneof(...bothWays, ...fromServer);
  return fc.oneof(...bothWays, ...fromServer, disconnect(), auth());
}

// Without null prototypes, which a decoder never makes.
const record = <T>(model: { [name in keyof T]: fc.Arbitrary<T[name]> }) => fc.record(model, { noNullPrototype: true });
const text = fc.string({ unit: "grapheme", maxLength: 12 }).filter(isCleanText);
const topicName = text.filter((name) => name !== "" && !/[+#]/.test(name));
const binary = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
const uint16 = fc.integer({ min: 0, max: 0xffff });
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const packetId = fc.integer({ min: 1, max: 0xffff });
const positive16 = packetId;
const positive32 = fc.integer({ min: 1, max: 0xffff_ffff });
const identifier = fc.integer({ min: 1, max: 268_435_455 });
const bit = fc.constantFrom<0 | 1>(0, 1);
const anyQoS = fc.constantFrom<0 | 1 | 2>(0, 1, 2);
const userProperties = fc.array(fc.tuple(text, text) as fc.Arbitrary<UserProperty>, { minLength: 1, maxLength: 3 });

const level = fc.constantFrom("a", "b", "", "$x", "+", "temperature");
const topicFilter = fc
  .tuple(fc.constantFrom("", "$share/group/"), fc.array(level, { minLength: 1, maxLength: 5 }), fc.boolean())
  .map(([share, levels, open]) => share + [...levels, ...(open ? ["#"] : [])].join("/"))
  .filter((filter) => filter !== "" && filter !== "$share/group/");

/** Any subset of the given properties for MQTT 5, none for 3.1.1. */
function optional<T>(version: ProtocolVersion, model: { [name in keyof T]: fc.Arbitrary<T[name]> }) {
  return version === 5 ? fc.record(model, { requiredKeys: [], noNullPrototype: true }) : fc.constant({});
}

const message = {
  payloadFormatIndicator: bit,
  messageExpiryInterval: uint32,
  contentType: text,
  responseTopic: topicName,
  correlationData: binary,
  userProperties,
};
const explanation = { reasonString: text, userProperties };
const authentication = { authenticationMethod: text, userProperties };

function publish(version: ProtocolVersion, reader: Role): fc.Arbitrary<Packet> {
  const identifiers = { subscriptionIdentifiers: fc.array(identifier, { minLength: 1, maxLength: 3 }) };
  const properties = { ...message, topicAlias: positive16, ...(reader === "client" && identifiers) };
  return record({
    topic: topicName,
    payload: binary,
    qos: anyQoS,
    retain: fc.boolean(),
    duplicate: fc.boolean(),
    packetId,
    properties: optional(version, properties),
  }).map(({ qos, packetId, duplicate, ...rest }) => ({
    type: "publish",
    ...rest,
    qos,
    duplicate: duplicate && qos > 0,
    ...(qos > 0 && { packetId }),
  }));
}

function acknowledgements(version: ProtocolVersion): fc.Arbitrary<Packet>[] {
  const one = <T extends "puback" | "pubrec" | "pubrel" | "pubcomp">(type: T, codes: number[]) =>
    fc
      .tuple(packetId, version === 5 ? fc.constantFrom(...codes) : fc.constant(0), optional(version, explanation))
      .map(([packetId, reasonCode, rest]) => ({ type, packetId, reasonCode, ...rest }));
  return [
    one("puback", [0, 0x10, 0x87]),
    one("pubrec", [0, 0x10, 0x99]),
    one("pubrel", [0, 0x92]),
    one("pubcomp", [0, 0x92]),
  ];
}

function connect(version: ProtocolVersion): fc.Arbitrary<Packet> {
  const will = record({
    topic: topicName,
    payload: binary,
    qos: anyQoS,
    retain: fc.boolean(),
    delayInterval: version === 5 ? uint32 : fc.constant(0),
    properties: optional(version, message),
  });
  const login = fc.oneof(
    fc.constant({}),
    record({ username: text }),
    record({ username: text, password: binary }),
    version === 5 ? record({ password: binary }) : fc.constant({}),
  );
  const properties = {
    sessionExpiryInterval: uint32,
    receiveMaximum: positive16,
    maximumPacketSize: positive32,
    topicAliasMaximum: uint16,
    requestResponseInformation: fc.boolean(),
    requestProblemInformation: fc.boolean(),
    ...authentication,
  };
  return fc
    .tuple(
      record({ clientId: text, clean: fc.boolean(), keepAlive: uint16 }),
      fc.option(will, { nil: undefined }),
      login,
      optional(version, properties),
    )
    .map(([fixed, will, login, rest]) => ({
      type: "connect",
      version,
      ...fixed,
      ...(will && { will }),
      ...login,
      ...rest,
    }));
}

function connack(version: ProtocolVersion): fc.Arbitrary<Packet> {
  const properties = {
    sessionExpiryInterval: uint32,
    receiveMaximum: positive16,
    maximumQoS: bit,
    retainAvailable: fc.boolean(),
    maximumPacketSize: positive32,
    assignedClientIdentifier: text,
    topicAliasMaximum: uint16,
    wildcardSubscriptionAvailable: fc.boolean(),
    subscriptionIdentifiersAvailable: fc.boolean(),
    sharedSubscriptionAvailable: fc.boolean(),
    serverKeepAlive: uint16,
    responseInformation: text,
    serverReference: text,
    authenticationData: binary,
    authenticationMethod: text,
    ...explanation,
  };
  const verdict = fc.oneof(
    record({ sessionPresent: fc.boolean(), reasonCode: fc.constant(0) }),
    record({ sessionPresent: fc.constant(false), reasonCode: fc.constantFrom(5, 7, 0x87) }),
  );
  return fc
    .tuple(verdict, optional(version, properties))
    .map(([verdict, rest]) => ({ type: "connack", ...verdict, ...rest }));
}

function subscribe(version: ProtocolVersion): fc.Arbitrary<Packet> {
  const option = (arbitrary: fc.Arbitrary<boolean>) => (version === 5 ? arbitrary : fc.constant(false));
  const subscription = record({
    filter: topicFilter,
    qos: anyQoS,
    noLocal: option(fc.boolean()),
    retainAsPublished: option(fc.boolean()),
    retainHandling: version === 5 ? fc.constantFrom<0 | 1 | 2>(0, 1, 2) : fc.constant<0>(0),
  });
  const possible = subscription.map(
    (one): Subscription => ({ ...one, noLocal: one.noLocal && !one.filter.startsWith("$share/") }),
  );
  return fc
    .tuple(
      packetId,
      fc.array(possible, { minLength: 1, maxLength: 4 }),
      optional(version, { subscriptionIdentifier: identifier, userProperties }),
    )
    .map(([packetId, subscriptions, rest]) => ({ type: "subscribe", packetId, subscriptions, ...rest }));
}

function unsubscribe(version: ProtocolVersion): fc.Arbitrary<Packet> {
  const filters = fc.array(topicFilter, { minLength: 1, maxLength: 4 });
  return fc
    .tuple(packetId, filters, optional(version, { userProperties }))
    .map(([packetId, filters, rest]) => ({ type: "unsubscribe", packetId, filters, ...rest }));
}

function suback(version: ProtocolVersion): fc.Arbitrary<Packet> {
  const code = version === 5 ? fc.constantFrom(0, 1, 2, 0x87, 0x8f) : fc.constantFrom(0, 1, 2, 0x80);
  return fc
    .tuple(packetId, fc.array(code, { minLength: 1, maxLength: 4 }), optional(version, explanation))
    .map(([packetId, reasonCodes, rest]) => ({ type: "suback", packetId, reasonCodes, ...rest }));
}

function unsuback(version: ProtocolVersion): fc.Arbitrary<Packet> {
  const codes = fc.array(fc.constantFrom(0, 0x11, 0x87), { minLength: 1, maxLength: 4 });
  return fc
    .tuple(packetId, version === 5 ? codes : fc.constant([]), optional(version, explanation))
    .map(([packetId, reasonCodes, rest]) => ({ type: "unsuback", packetId, reasonCodes, ...rest }));
}

/** What a client may end with: PINGREQ is here for company. */
function end(version: ProtocolVersion): fc.Arbitrary<Packet> {
  const goodbye = version === 5 ? disconnect() : fc.constant<Packet>({ type: "disconnect", reasonCode: 0 });
  return fc.oneof(goodbye, fc.constant<Packet>({ type: "pingreq" }));
}

function disconnect(): fc.Arbitrary<Packet> {
  return fc
    .tuple(
      fc.constantFrom(0, 0x04, 0x82, 0x8e),
      optional(5, { sessionExpiryInterval: uint32, serverReference: text, ...explanation }),
    )
    .map(([reasonCode, rest]) => ({ type: "disconnect", reasonCode, ...rest }));
}

function auth(): fc.Arbitrary<Packet> {
  const properties = { ...authentication, authenticationData: binary, reasonString: text };
  return fc
    .tuple(fc.constantFrom(0, 0x18, 0x19), optional(5, properties))
    .map(([reasonCode, rest]) => ({ type: "auth", reasonCode, ...rest }));
}
