// The MQTT endpoint. The path of a packet:
//
//   socket → address-gate (how many from there?) → tls-listener (handshake; the certificate is proven, not judged)
//     → wire (bytes ↔ packets, back-pressure) → connection (which state?)
//       CONNECT   → accept-connect: admission's verdict → client id → index of live connections → session → CONNACK
//       PUBLISH   → receive-publish: rate, syntax, policy
//                     topic begins with $ → reserved-queue → ReservedTopics; the answer goes to this connection alone
//                     else                → context.accept: retained, router → delivery of each subscriber
//       SUBSCRIBE → receive-subscribe: policy, session, retained messages
//     → delivery (window, queue, aliases, expiry, policy once more) → wire
//
// Everything a verdict allows hangs on `Connection.admitted`; live-connections replaces it, or ends the connection, when
// the change log says that something about the certificate, claim or thing has changed.
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { AddressGate } from "./address-gate.ts";
import { Background } from "./background.ts";
import { type BrokerLimits, brokerLimits } from "./broker-limits.ts";
import { ClientIds } from "./client-ids.ts";
import { Connection, type Peer } from "./connection.ts";
import { accept, type BrokerContext, type BrokerPorts } from "./context.ts";
import { LiveConnections } from "./live-connections.ts";
import { Retained } from "./retained.ts";
import { Router } from "./router.ts";
import { Sessions } from "./sessions.ts";
import { Soon } from "./soon.ts";
import { Subscriptions } from "./subscriptions.ts";
import { Ticker } from "./ticker.ts";
import { type DeviceTls, TlsListener } from "./tls-listener.ts";
import { Wills } from "./wills.ts";

export interface BrokerSettings {
  /** Absent where the broker serves attached sockets only. */
  readonly tls?: DeviceTls | undefined;
  /** Each may lower a limit, none can raise one. */
  readonly limits?: Partial<BrokerLimits>;
}

/** A socket that did not come through the TLS listener. */
export interface AttachedPeer {
  readonly certificateDer?: Uint8Array;
  readonly remoteAddress: string;
}

export interface BrokerStats {
  /** Sockets past TLS, in whatever state. */
  readonly connections: number;
  /** With a principal. */
  readonly authenticated: number;
  /** Neither TLS nor CONNECT finished. */
  readonly unauthenticated: number;
  readonly storedSessions: number;
  readonly subscriptions: number;
  readonly retained: number;
}

const SWEEP_MS = 10_000;
const EXPIRE_MS = 60_000;

/** Reads sessions and retained messages, and is ready to listen when it resolves. */
export async function createBroker(ports: BrokerPorts, settings: BrokerSettings = {}): Promise<Broker> {
  const broker = new Broker(ports, settings);
  await broker.load();
  return broker;
}

export class Broker {
  readonly #context: BrokerContext;
  readonly #subscriptions = new Subscriptions();
  readonly #connections = new Set<Connection>();
  readonly #listeners: TlsListener[] = [];
  #tls: DeviceTls | undefined;
  #empty: (() => void) | undefined;
  #closing = false;
  #sweptMs = 0;
  #expiredMs = 0;

  constructor(ports: BrokerPorts, settings: BrokerSettings) {
    this.#tls = settings.tls;
    this.#context = this.#buildContext(ports, brokerLimits(settings.limits));
    this.#context.ticker.each(this.#tick);
  }

  async load(): Promise<void> {
    await this.#context.retained.load();
    await this.#context.sessions.load();
    await this.#context.live.start();
    this.#context.ticker.start();
  }

  listen(port: number, host: string): Promise<AddressInfo> {
    if (this.#tls === undefined) throw new Error("a broker without a key and a certificate cannot listen");
    const listener = new TlsListener(this.#context, this.#tls, (socket, peer) => this.#add(socket, peer));
    this.#listeners.push(listener);
    return listener.listen(port, host);
  }

  /** Serves a socket that is connected already, as tests and other transports have them. */
  attach(socket: Duplex, { certificateDer, remoteAddress }: AttachedPeer): void {
    const { gate, ports, limits, ticker } = this.#context;
    const verdict = gate.enter(remoteAddress);
    if (!("entry" in verdict)) {
      ports.events.refused(undefined, { remoteAddress }, "connection_limit_reached", `${verdict.refusal}.`);
      socket.destroy();
      return;
    }
    const connectByMs = ticker.nowMs + limits.connectTimeoutMs;
    this.#add(socket, { certificateDer, remoteAddress, gate: verdict.entry, connectByMs });
  }

  /** The renewed server certificate, for handshakes from now on. */
  setSecureContext(tls: DeviceTls): void {
    this.#tls = tls;
    for (const listener of this.#listeners) listener.setSecureContext(tls);
  }

  /** Acts on every change that is in the store now. */
  catchUp(): Promise<void> {
    return this.#context.live.catchUp();
  }

  stats(): BrokerStats {
    const { gate, live, sessions, retained } = this.#context;
    return {
      connections: this.#connections.size,
      authenticated: live.size,
      unauthenticated: gate.unauthenticated,
      storedSessions: sessions.size,
      subscriptions: this.#subscriptions.size,
      retained: retained.count,
    };
  }

  /** Tells every client that the server stops, and resolves when all are gone and what they left is stored. */
  async close(): Promise<void> {
    const { ports, limits, soon, live, ticker, background } = this.#context;
    this.#closing = true;
    for (const listener of this.#listeners) listener.close();
    live.stop();
    for (const connection of this.#connections) connection.stop();
    const cancel = ports.clock.after(limits.lingerMs, () => {
      for (const connection of this.#connections) connection.wire.destroy();
    });
    await this.#gone();
    cancel();
    ticker.stop();
    soon.flush();
    await background.settled();
  }

  #gone(): Promise<void> {
    if (this.#connections.size === 0) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#empty = resolve;
    return promise;
  }

  #add(socket: Duplex, peer: Peer): void {
    if (this.#closing) {
      socket.destroy();
      if (peer.gate !== undefined) this.#context.gate.leave(peer.gate, false);
      return;
    }
    this.#connections.add(new Connection(this.#context, socket, peer));
  }

  readonly #tick = (): void => {
    const { ports, ticker, wills, gate, sessions, background } = this.#context;
    const nowMs = ticker.nowMs;
    const wallMs = ports.clock.now();
    for (const listener of this.#listeners) listener.tick(nowMs);
    for (const connection of this.#connections) connection.tick(nowMs, wallMs);
    wills.tick();
    if (nowMs - this.#sweptMs >= SWEEP_MS) {
      this.#sweptMs = nowMs;
      gate.sweep();
    }
    if (nowMs - this.#expiredMs >= EXPIRE_MS) {
      this.#expiredMs = nowMs;
      background.run(sessions.expire());
    }
  };

  #buildContext(ports: BrokerPorts, limits: BrokerLimits): BrokerContext {
    const { clock, log, admission, changes } = ports;
    const subscriptions = this.#subscriptions;
    const soon = new Soon(clock);
    const background = new Background(log);
    const context: BrokerContext = {
      ports,
      limits,
      soon,
      background,
      ticker: new Ticker(clock),
      gate: new AddressGate(limits, clock),
      clients: new ClientIds(limits),
      live: new LiveConnections({ changes, admission, clock, log }, limits),
      sessions: new Sessions({ store: ports.sessions, subscriptions, clock, soon, background }, limits),
      retained: new Retained({ retained: ports.retained, clock }, limits),
      router: new Router({ subscriptions, sessionStore: ports.sessions, clock }),
      wills: new Wills(
        {
          clock,
          admission,
          publish(message) {
            if (message.retain && !context.retained.fits(message)) return;
            const { settled } = accept(context, message, undefined);
            if (settled !== undefined) background.run(settled);
          },
        },
        limits,
      ),
      forget: (connection) => {
        this.#connections.delete(connection);
        if (this.#connections.size === 0) this.#empty?.();
      },
    };
    return context;
  }
}
