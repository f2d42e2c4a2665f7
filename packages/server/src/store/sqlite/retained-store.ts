import type { Message, RetainedStore } from "../../broker/ports.ts";
import { Fault } from "../../kit/fault.ts";
import type { StoreLimits } from "../store.ts";
import { propertiesOf, propertiesText } from "./message-properties.ts";
import { orNull, orUndefined, type Sql } from "./sql.ts";

interface SqlRetained {
  topic: string;
  qos: 0 | 1 | 2;
  expires_at: number | null;
  properties: string;
  payload: Uint8Array;
}

export function retainedStore(
  sql: Sql,
  write: <Result>(operation: () => Result) => Promise<Result>,
  limits: StoreLimits,
): RetainedStore {
  const all = sql.query<SqlRetained>("SELECT topic, qos, expires_at, properties, payload FROM retained_messages");
  const known = sql.query<{ bytes: number }>("SELECT length(payload) AS bytes FROM retained_messages WHERE topic = ?");
  const total = sql.query<{ messages: number; bytes: number }>(
    "SELECT count(*) AS messages, coalesce(sum(length(payload)), 0) AS bytes FROM retained_messages",
  );
  const put =
    sql.command(`INSERT INTO retained_messages (topic, qos, expires_at, properties, payload) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (topic) DO UPDATE SET qos = excluded.qos, expires_at = excluded.expires_at, properties = excluded.properties,
    payload = excluded.payload`);
  const remove = sql.command("DELETE FROM retained_messages WHERE topic = ?");
  // Counted once at the first use and carried on; counting again for every message would read the whole table.
  let held: { messages: number; bytes: number } | undefined;

  const replace = (message: Message): void => {
    const before = known.get(message.topic);
    const now = held ?? total.get() ?? { messages: 0, bytes: 0 };
    const isKept = message.payload.length > 0;
    const next = {
      messages: now.messages - (before === undefined ? 0 : 1) + (isKept ? 1 : 0),
      bytes: now.bytes - (before?.bytes ?? 0) + message.payload.length,
    };
    if (isKept && (next.messages > limits.retainedMessages || next.bytes > limits.retainedBytes)) {
      throw new Fault(
        "limit_reached",
        `The server keeps at most ${limits.retainedMessages} retained messages of ${limits.retainedBytes} bytes in all.`,
      );
    }
    const { topic, qos, expiresAtMs, properties, payload } = message;
    if (isKept) put.run(topic, qos, orNull(expiresAtMs), propertiesText(properties), payload);
    else remove.run(topic);
    held = next;
  };
  return {
    load: async () => all.all().map(messageOf),
    put(message) {
      const written = write(() => replace(message));
      // After a failure the carried count may be wrong.
      written.catch(() => {
        held = undefined;
      });
      return written;
    },
  };
}

function messageOf(row: SqlRetained): Message {
  return {
    topic: row.topic,
    payload: row.payload,
    qos: row.qos,
    retain: true,
    properties: propertiesOf(row.properties),
    expiresAtMs: orUndefined(row.expires_at),
  };
}
