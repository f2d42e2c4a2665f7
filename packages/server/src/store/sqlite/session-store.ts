import type { Message, SessionKey, SessionStore, StoredMessage, StoredSession } from "../../broker/ports.ts";
import { Fault } from "../../kit/fault.ts";
import type { StoreLimits } from "../store.ts";
import { propertiesOf, propertiesText } from "./message-properties.ts";
import { orNull, orUndefined, type Sql } from "./sql.ts";

interface SqlSession {
  id: number;
  owner: string;
  client_id: string;
  expiry_seconds: number;
  disconnected_at: number | null;
  queued: number;
  queued_bytes: number;
  subscriptions: string;
}

interface SqlMessage {
  sequence: number;
  qos: 0 | 1 | 2;
  retain: number;
  expires_at: number | null;
  topic: string;
  properties: string;
  payload: Uint8Array;
}

type Write = <Result>(operation: () => Result) => Promise<Result>;
const NEVER_EXPIRES = 0xffffffff;
const EXPIRED_SLICE = 1000;

export function sessionStore(sql: Sql, write: Write, limits: StoreLimits): SessionStore {
  const sessions = sessionRows(sql);
  const queue = queueRows(sql, sessions, limits);
  return {
    load: async () => sessions.all().map(sessionOf),
    save: (session) => write(() => sessions.save(session, limits.sessions)),
    remove: (key) => write(() => removeSession(sessions.find(key), sessions, queue)),
    markDisconnected: (key, atMs) => write(() => sessions.markDisconnected(key, atMs)),
    enqueue: (keys, message) => write(() => queue.enqueue(keys, message)),
    queued: async (key, after, limit) => queue.list(sessions.find(key), after, limit),
    dequeue: (key, sequences) => write(() => queue.dequeue(sessions.find(key), sequences)),
    expire: (nowMs) =>
      write(() => {
        const expired = sessions.expired(nowMs, EXPIRED_SLICE);
        for (const session of expired) removeSession(session, sessions, queue);
        return expired.map(({ owner, client_id }) => ({ owner, clientId: client_id }));
      }),
  };
}

function removeSession(
  session: SqlSession | undefined,
  sessions: ReturnType<typeof sessionRows>,
  queue: ReturnType<typeof queueRows>,
): void {
  if (session === undefined) return;
  queue.clear(session);
  sessions.remove(session.id);
}

const SESSION =
  "SELECT id, owner, client_id, expiry_seconds, disconnected_at, queued, queued_bytes, subscriptions FROM sessions";

function sessionRows(sql: Sql) {
  const find = sql.query<SqlSession>(`${SESSION} WHERE owner = ? AND client_id = ?`);
  const all = sql.query<SqlSession>(`${SESSION} ORDER BY id`);
  const total = sql.query<{ total: number }>("SELECT count(*) AS total FROM sessions");
  const insert =
    sql.command(`INSERT INTO sessions (owner, client_id, expiry_seconds, queued, queued_bytes, subscriptions)
    VALUES (?, ?, ?, 0, 0, ?)`);
  const update = sql.command("UPDATE sessions SET expiry_seconds = ?2, subscriptions = ?3 WHERE id = ?1");
  const mark = sql.command("UPDATE sessions SET disconnected_at = ?3 WHERE owner = ?1 AND client_id = ?2");
  const remove = sql.command("DELETE FROM sessions WHERE id = ?");
  const expired =
    sql.query<SqlSession>(`${SESSION} WHERE disconnected_at IS NOT NULL AND expiry_seconds <> ${NEVER_EXPIRES}
    AND disconnected_at + expiry_seconds * 1000 <= ? LIMIT ?`);
  return {
    find: (key: SessionKey) => find.get(key.owner, key.clientId),
    all: () => all.all(),
    expired: (nowMs: number, limit: number) => expired.all(nowMs, limit),
    remove: (id: number) => void remove.run(id),
    markDisconnected: (key: SessionKey, atMs: number | undefined) =>
      void mark.run(key.owner, key.clientId, orNull(atMs)),
    save({ key, expirySeconds, subscriptions }: StoredSession, limit: number): void {
      const known = find.get(key.owner, key.clientId);
      const text = JSON.stringify(subscriptions);
      if (known !== undefined) update.run(known.id, expirySeconds, text);
      else if ((total.get()?.total ?? 0) >= limit) {
        throw new Fault("limit_reached", `The server keeps at most ${limit} sessions.`);
      } else insert.run(key.owner, key.clientId, expirySeconds, text);
    },
  };
}

function sessionOf(row: SqlSession): StoredSession {
  const subscriptions = JSON.parse(row.subscriptions) as StoredSession["subscriptions"];
  return {
    key: { owner: row.owner, clientId: row.client_id },
    expirySeconds: row.expiry_seconds,
    disconnectedAtMs: orUndefined(row.disconnected_at),
    subscriptions: subscriptions.map((kept) => ({
      ...kept,
      subscriptionIdentifier: kept.subscriptionIdentifier ?? undefined,
    })),
  };
}

/** How no properties are written. */
const NO_PROPERTIES = "{}";
const MESSAGE_BYTES = `length(CAST(m.topic AS BLOB)) + length(m.payload) + length(CAST(m.properties AS BLOB)) - ${NO_PROPERTIES.length}`;

function queueRows(sql: Sql, sessions: ReturnType<typeof sessionRows>, limits: StoreLimits) {
  const insertMessage = sql.command(`INSERT INTO messages (qos, retain, expires_at, topic, properties, payload)
    VALUES (?, ?, ?, ?, ?, ?)`);
  const insert = sql.command("INSERT INTO queued_messages (session, message) VALUES (?, ?)");
  const list = sql.query<SqlMessage>(`SELECT m.sequence, m.qos, m.retain, m.expires_at, m.topic, m.properties, m.payload
    FROM queued_messages q JOIN messages m ON m.sequence = q.message WHERE q.session = ? AND q.message > ? ORDER BY q.message LIMIT ?`);
  const oldest = sql.query<{
    message: number;
    bytes: number;
  }>(`SELECT q.message, ${MESSAGE_BYTES} AS bytes
    FROM queued_messages q JOIN messages m ON m.sequence = q.message WHERE q.session = ? ORDER BY q.message LIMIT 1`);
  const sizeOf = sql.query<{ bytes: number }>(`SELECT ${MESSAGE_BYTES} AS bytes FROM messages m WHERE m.sequence = ?`);
  const remove = sql.command("DELETE FROM queued_messages WHERE session = ? AND message = ?");
  const removeMessage = sql.command(`DELETE FROM messages WHERE sequence = ?1
    AND NOT EXISTS (SELECT 1 FROM queued_messages WHERE message = ?1)`);
  const count = sql.command("UPDATE sessions SET queued = queued + ?2, queued_bytes = queued_bytes + ?3 WHERE id = ?1");

  const drop = (session: number, message: number, bytes: number): void => {
    if (remove.run(session, message) === 0) return;
    count.run(session, -1, -bytes);
    removeMessage.run(message);
  };
  const append = (session: SqlSession, message: number, bytes: number): void => {
    insert.run(session.id, message);
    count.run(session.id, 1, bytes);
    let held = { messages: session.queued + 1, bytes: session.queued_bytes + bytes };
    while (
      held.messages > limits.queuedPerSession ||
      (held.bytes > limits.queuedBytesPerSession && held.messages > 1)
    ) {
      const first = oldest.get(session.id);
      if (first === undefined) return;
      drop(session.id, first.message, first.bytes);
      held = { messages: held.messages - 1, bytes: held.bytes - first.bytes };
    }
  };
  return {
    enqueue(keys: readonly SessionKey[], message: Message): readonly number[] {
      const known = keys.map((key) => sessions.find(key));
      if (known.every((session) => session === undefined)) return keys.map(() => 0);
      const { qos, retain, expiresAtMs, topic, properties, payload } = message;
      const text = propertiesText(properties);
      const row = insertMessage.insert(qos, Number(retain), orNull(expiresAtMs), topic, text, payload);
      const bytes = Buffer.byteLength(topic) + payload.length + Buffer.byteLength(text) - NO_PROPERTIES.length;
      for (const session of known) if (session !== undefined) append(session, row, bytes);
      return known.map((session) => (session === undefined ? 0 : row));
    },
    list: (session: SqlSession | undefined, after: number, limit: number): readonly StoredMessage[] =>
      session === undefined ? [] : list.all(session.id, after, limit).map(messageOf),
    dequeue(session: SqlSession | undefined, sequences: readonly number[]): void {
      if (session === undefined) return;
      for (const message of sequences) drop(session.id, message, sizeOf.get(message)?.bytes ?? 0);
    },
    clear(session: SqlSession): void {
      for (let first = oldest.get(session.id); first !== undefined; first = oldest.get(session.id)) {
        drop(session.id, first.message, first.bytes);
      }
    },
  };
}

function messageOf(row: SqlMessage): StoredMessage {
  return {
    sequence: row.sequence,
    topic: row.topic,
    payload: row.payload,
    qos: row.qos,
    retain: row.retain === 1,
    properties: propertiesOf(row.properties),
    expiresAtMs: orUndefined(row.expires_at),
  };
}
