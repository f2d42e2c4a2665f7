// The device listener. TLS proves that the client holds the key of the certificate it shows, and nothing else: no chain is
// built and `socket.authorized` is never read. Who the certificate belongs to is decided at CONNECT, where the answer can
// say why not; a refused handshake tells a device nothing but a reset.
import { constants } from "node:crypto";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket, type TlsOptions, type Server as TlsServer } from "node:tls";
import { canonicalAddress, type GateEntry } from "./address-gate.ts";
import type { Peer } from "./connection.ts";
import type { BrokerContext } from "./context.ts";

/** PEM; replaced while running when the certificate is renewed. */
export interface DeviceTls {
  readonly key: string | Buffer;
  /** The server's certificate and what leads to the root. */
  readonly cert: string | Buffer;
}

/** What AWS's SDKs offer, and plain MQTT. Who offers neither is refused by TLS (alert 120); who offers none is welcome. */
const ALPN = ["x-amzn-mqtt-ca", "mqtt"];

// AES-128 first: its key schedule uses SHA-256, which is cheaper than SHA-384, and 128 bits are enough for a device.
const CIPHERS = [
  "TLS_AES_128_GCM_SHA256",
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
].join(":");

// A ticket lets someone in without the private key, and after its certificate has expired. NO_TICKET leaves TLS 1.3 its
// stateful kind, which nobody can redeem as there is no session cache; the launcher's openssl.cnf stops sending those too.
const SECURE_OPTIONS = constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION;

/** Devices that vanish without a FIN and asked for no keep-alive would stay for ever. */
const TCP_KEEP_ALIVE_MS = 300_000;

interface Handshake {
  readonly raw: Socket;
  readonly address: string;
  readonly gate: GateEntry;
  readonly acceptedMs: number;
}

export class TlsListener {
  readonly #context: BrokerContext;
  readonly #open: (socket: TLSSocket, peer: Peer) => void;
  readonly #tcp: Server;
  readonly #tls: TlsServer;
  /** By the client's address and port, oldest first. */
  readonly #handshakes = new Map<string, Handshake>();

  constructor(context: BrokerContext, tls: DeviceTls, open: (socket: TLSSocket, peer: Peer) => void) {
    this.#context = context;
    this.#open = open;
    const keepAlive = { keepAlive: true, keepAliveInitialDelay: TCP_KEEP_ALIVE_MS };
    this.#tcp = createServer({ noDelay: true, ...keepAlive }, (raw) => this.#accept(raw));
    // Never listens itself: a socket comes to it once the gate has let it in.
    this.#tls = createTlsServer(tlsOptions(tls, context.limits.handshakeTimeoutMs));
    this.#tls.on("secureConnection", (socket) => this.#secured(socket));
    this.#tls.on("tlsClientError", (error, socket) => this.#failed(error, socket));
  }

  listen(port: number, host: string): Promise<AddressInfo> {
    const { promise, resolve, reject } = Promise.withResolvers<AddressInfo>();
    this.#tcp.once("error", reject);
    this.#tcp.listen({ port, host, backlog: 1024 }, () => {
      this.#tcp.off("error", reject);
      this.#tcp.on("error", (error) => this.#context.ports.log.error("the device listener failed", { error }));
      resolve(this.#tcp.address() as AddressInfo);
    });
    return promise;
  }

  /** New handshakes use the new certificate; connections go on. */
  setSecureContext(tls: DeviceTls): void {
    this.#tls.setSecureContext(tlsOptions(tls, this.#context.limits.handshakeTimeoutMs));
  }

  /** Ends what has not finished its handshake. */
  tick(nowMs: number): void {
    for (const { raw, acceptedMs } of this.#handshakes.values()) {
      if (nowMs - acceptedMs < this.#context.limits.handshakeTimeoutMs) return;
      raw.destroy();
    }
  }

  close(): void {
    this.#tcp.close();
    for (const { raw } of this.#handshakes.values()) raw.destroy();
  }

  #accept(raw: Socket): void {
    const { gate, ports, ticker } = this.#context;
    const address = canonicalAddress(raw.remoteAddress);
    const verdict = gate.enter(address);
    if (!("entry" in verdict)) {
      if (verdict.report) {
        ports.events.refused(undefined, { remoteAddress: address }, "connection_limit_reached", `${verdict.refusal}.`);
      }
      // A reset leaves nothing behind in the kernel, where a flood of closed sockets would wait for a minute each.
      raw.resetAndDestroy();
      return;
    }
    const name = peerName(raw);
    this.#handshakes.set(name, { raw, address, gate: verdict.entry, acceptedMs: ticker.nowMs });
    raw.once("close", () => this.#gone(name, raw));
    this.#tls.emit("connection", raw);
  }

  #secured(socket: TLSSocket): void {
    const name = peerName(socket);
    const handshake = this.#handshakes.get(name);
    if (handshake === undefined) {
      socket.destroy();
      return;
    }
    this.#handshakes.delete(name);
    const { limits, ticker } = this.#context;
    const { address, gate, acceptedMs } = handshake;
    this.#open(socket, {
      certificateDer: provenCertificate(socket),
      remoteAddress: address,
      gate,
      connectByMs: Math.min(acceptedMs + limits.handshakeTimeoutMs, ticker.nowMs + limits.connectTimeoutMs),
    });
  }

  #failed(error: Error, socket: TLSSocket): void {
    const handshake = this.#handshakes.get(peerName(socket));
    // Node only reports a handshake that takes too long, and leaves the socket open.
    socket.destroy();
    if (handshake === undefined || !this.#context.gate.mayReport(handshake.gate)) return;
    const { events } = this.#context.ports;
    const message = `The TLS handshake failed: ${error.message.trim()}.`;
    events.refused(undefined, { remoteAddress: handshake.address }, "protocol_error", message);
    handshake.raw.destroy();
  }

  /** A socket that closed before its handshake was done; later ones are their connection's. */
  #gone(name: string, raw: Socket): void {
    const handshake = this.#handshakes.get(name);
    if (handshake?.raw !== raw) return;
    this.#handshakes.delete(name);
    this.#context.gate.leave(handshake.gate, false);
  }
}

export function tlsOptions({ key, cert }: DeviceTls, handshakeTimeout: number): TlsOptions {
  return {
    key,
    cert,
    requestCert: true,
    rejectUnauthorized: false,
    // No list of authorities in the request for a certificate, and nothing to build a chain from.
    ca: [],
    minVersion: "TLSv1.2",
    maxVersion: "TLSv1.3",
    ciphers: CIPHERS,
    honorCipherOrder: true,
    ecdhCurve: "X25519:P-256:P-384:P-521",
    secureOptions: SECURE_OPTIONS,
    ALPNProtocols: ALPN,
    handshakeTimeout,
  };
}

/**
 * The certificate whose key the client has used in this handshake. Both TLS versions end the handshake with an error if
 * CertificateVerify is missing or wrong, so a certificate that is there afterwards is proven. (Ten times cheaper on Node 24
 * than `getPeerCertificate()`, which takes the certificate apart.)
 */
function provenCertificate(socket: TLSSocket): Uint8Array | undefined {
  const raw = socket.getPeerX509Certificate()?.raw;
  return raw === undefined || raw.length === 0 ? undefined : raw;
}

function peerName(socket: Socket): string {
  return `${socket.remoteAddress}|${socket.remotePort}`;
}
