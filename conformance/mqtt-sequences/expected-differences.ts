import type { RunResult, SequenceFailure } from "./run-sequences.ts";

/** A sequence that our endpoint answers otherwise, and the clause or announced limit by which it may. */
export interface ExpectedDifference {
  readonly group: string;
  readonly name: string;
  readonly why: string;
}

const MQTT_31 =
  "MQTT 3.1 is not served: an unsupported protocol level gets CONNACK 1 and the end of the connection [MQTT-3.1.2-2]";
const QOS_2_ANNOUNCED =
  "QoS 2 is not served: CONNACK announces Maximum QoS 1, and a client must not send what exceeds it [MQTT-3.2.2-11]";
const QOS_2_UNANNOUNCED =
  "QoS 2 is not served: 3.1.1 cannot announce it, so a QoS 2 packet ends the connection (3.1.1 §4.8)";
const QOS_1_GRANTED = "a subscription for QoS 2 is granted QoS 1, as a server may (3.1.1 §3.9.3, 5 §3.8.4)";
const IDENTIFIER = "a client must not send a Subscription Identifier in PUBLISH [MQTT-3.3.4-6]";
const FAREWELL = "a fault is answered with DISCONNECT and its reason code before closing (§4.13.1)";

function because(why: string, group: string, names: readonly string[]): ExpectedDifference[] {
  return names.map((name) => ({ group, name, why }));
}

export const EXPECTED_DIFFERENCES: readonly ExpectedDifference[] = [
  ...because(MQTT_31, "v3.1   CONNECT", ["10 ok ", "14 ok ", "10 empty client ID", "10 ok"]),
  ...because(MQTT_31, "v3.1.1 CONNACK", ["issue 2163 v3"]),

  ...because(QOS_1_GRANTED, "v3.1.1 SUBSCRIBE", ["82 single ok QoS 2 [MQTT-3.8.4-1]"]),
  ...because(QOS_1_GRANTED, "v5.0   SUBSCRIBE", ["82 single ok QoS 2 [MQTT-3.8.4-1]"]),

  ...because(QOS_2_UNANNOUNCED, "v3.1.1 PUBLISH", ["34 QoS 2 Dup 0", "3C QoS 2 Dup 1"]),
  ...because(QOS_2_UNANNOUNCED, "v3.1.1 FLOW", [
    "QoS 2 receive ok",
    "QoS 2 PUBLISH-PUBACK",
    "QoS 2 PUBLISH-PUBCOMP",
    "QoS 2 PUBLISH-PUBREC-PUBREL-PUBACK",
    "QoS 2 PUBLISH-PUBREC-PUBREL-PUBREC",
  ]),

  ...because(QOS_2_ANNOUNCED, "v5.0   PUBLISH", ["34 QoS 2 Dup 0", "3C QoS 2 Dup 1"]),
  ...because(QOS_2_ANNOUNCED, "v5.0   FLOW", [
    "QoS 2 receive ok",
    "QoS 2 PUBLISH-PUBACK",
    "QoS 2 PUBLISH-PUBCOMP",
    "QoS 2 PUBLISH-PUBREC-PUBREL-PUBACK",
    "QoS 2 PUBLISH-PUBREC-PUBREL-PUBREC",
  ]),

  ...because(IDENTIFIER, "v5.0   PUBLISH ALLOWED PROPERTIES", [
    "subscription-identifier=1 (variable byte integer)",
    "subscription-identifier=0x7F (variable byte integer)",
    "subscription-identifier=0x8001 (variable byte integer)",
    "subscription-identifier=0xFF7F (variable byte integer)",
    "subscription-identifier=0x808001 (variable byte integer)",
    "subscription-identifier=0xFFFF7F (variable byte integer)",
    "subscription-identifier=0x80808001 (variable byte integer)",
    "subscription-identifier=0xFFFFFF7F (variable byte integer)",
  ]),

  ...because(FAREWELL, "v5.0   PINGREQ", ["C0 long"]),
  ...because(FAREWELL, "v5.0   PINGRESP", ["D0 long"]),
];

export interface Comparison {
  /** Failures that the table does not explain. */
  readonly unexpected: readonly SequenceFailure[];
  /** Entries of the table whose sequences pass: to be struck out. */
  readonly stale: readonly ExpectedDifference[];
}

export function compareWithExpected({ failures }: RunResult): Comparison {
  const same = (a: { group: string; name: string }) => (b: { group: string; name: string }) =>
    a.group === b.group && a.name === b.name;
  return {
    unexpected: failures.filter((failure) => !EXPECTED_DIFFERENCES.some(same(failure))),
    stale: EXPECTED_DIFFERENCES.filter((expected) => !failures.some(same(expected))),
  };
}
