import { connect as connectTcp, isIP } from "node:net";
import { type ConnectionOptions, connect as connectTls, createSecureContext, type TLSSocket } from "node:tls";
import { AgentFault, errorCode, errorText } from "../agent-fault.ts";
import type { TrustedTime } from "../identity/trusted-time.ts";
import type { Clock } from "../system/clock.ts";
import { checkServer, type ServerTarget } from "./check-server.ts";
import { HeldFlight } from "./held-flight.ts";

/** What a client shows: its certificate, and the key as Node's TLS takes it. */
export type TlsCredential = { readonly certificatePem: string } & (
  | { readonly privateKeyPem: string }
  | { readonly privateKeyEngine: string; readonly privateKeyIdentifier: string }
);

/** AWS IoT's name for MQTT with a client certificate; servers that share a port between protocols need it. */
const ALPN = ["x-amzn-mqtt-ca"];
const TIMEOUT_MS = 20_000;

/**
 * Connects, and returns once the server has proved to be `target`. Until then nothing has been sent but a ClientHello:
 * no certificate, no signature, no MQTT.
 */
export async function openVerifiedTls(
  ports: { readonly clock: Clock; readonly time: TrustedTime; readonly signal?: AbortSignal | undefined },
  target: ServerTarget,
  credential: TlsCredential,
): Promise<TLSSocket> {
  const options = tlsOptions(target, credential);
  const socket = connectTcp({ host: target.host, port: target.port, noDelay: true });
  const flight = new HeldFlight(socket);
  const tls = connectTls({ ...options, socket: flight });
  // A late error, after the owner has let go of the connection, is no bug.
  tls.on("error", () => {});
  const abandon = (): void => {
    tls.destroy();
    flight.destroy();
  };
  try {
    ports.signal?.addEventListener("abort", abandon, { once: true });
    await handshake(ports.clock, tls, target);
    checkServer(tls, target, ports.time);
  } catch (error) {
    abandon();
    throw error;
  } finally {
    ports.signal?.removeEventListener("abort", abandon);
  }
  flight.release();
  return tls;
}

function tlsOptions(target: ServerTarget, credential: TlsCredential): ConnectionOptions {
  const key =
    "privateKeyPem" in credential
      ? { key: credential.privateKeyPem }
      : { privateKeyEngine: credential.privateKeyEngine, privateKeyIdentifier: credential.privateKeyIdentifier };
  return {
    secureContext: secureContext(target, { cert: credential.certificatePem, ...key }),
    host: target.host,
    // An address cannot be an SNI name (RFC 6066 §3); the certificate is checked against it all the same.
    ...(isIP(target.host) === 0 ? { servername: target.host } : {}),
    ALPNProtocols: ALPN,
    // The verdict is checkServer's, which also knows devices whose clock is behind; nothing leaves before it.
    rejectUnauthorized: false,
  };
}

function secureContext(target: ServerTarget, credential: ConnectionOptions): ReturnType<typeof createSecureContext> {
  try {
    return createSecureContext({ ...credential, ca: target.rootCaPem, minVersion: "TLSv1.3" });
  } catch (cause) {
    throw new AgentFault(
      {
        kind: "usage",
        reason: "credential_unusable",
        message: `OpenSSL cannot use the certificate and key, or the root CA: ${errorText(cause)}.`,
        at: `root-ca ${target.rootCaPath}, and the certificate and key shown to ${target.host}`,
        fix: "check that each file is PEM, and that the key belongs to the certificate",
      },
      { cause },
    );
  }
}

function handshake(clock: Clock, tls: TLSSocket, target: ServerTarget): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(TIMEOUT_MS, () => finish(unreachable(target, "it did not answer within 20 seconds")));
    const finish = (error?: Error): void => {
      cancel();
      tls.off("error", onError);
      tls.off("close", onClose);
      if (error === undefined) resolve();
      else reject(error);
    };
    const onError = (error: Error): void => finish(explain(error, target));
    const onClose = (): void => finish(unreachable(target, "it closed the connection during the TLS handshake"));
    tls.once("error", onError);
    tls.once("close", onClose);
    tls.once("secureConnect", () => finish());
  });
}

const NETWORK: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ECONNRESET: "it reset the connection",
  EHOSTUNREACH: "there is no route to it",
  ENETUNREACH: "there is no network",
  ENOTFOUND: "its name is not known",
  EAI_AGAIN: "its name cannot be looked up now",
  ETIMEDOUT: "it does not answer",
};

function explain(error: Error, target: ServerTarget): AgentFault {
  const code = errorCode(error);
  if (code === "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION" || code === "ERR_SSL_UNSUPPORTED_PROTOCOL") {
    return new AgentFault(
      {
        kind: "refused",
        reason: "tls_version_refused",
        message:
          "The server does not speak TLS 1.3, and in TLS 1.2 a false server would see this device's certificate.",
        at: `${target.host}:${target.port}`,
        fix: "switch TLS 1.3 on at the server or the load balancer before it",
      },
      { cause: error },
    );
  }
  return unreachable(target, NETWORK[code] ?? errorText(error), error);
}

function unreachable(target: ServerTarget, why: string, cause?: Error): AgentFault {
  return new AgentFault(
    {
      kind: "temporary",
      reason: "server_unreachable",
      message: `The server cannot be reached: ${why}.`,
      at: `${target.host}:${target.port}`,
      fix: 'check that the server runs (fleetmint serve) and that "endpoint" names its host and MQTT port',
    },
    { cause },
  );
}
