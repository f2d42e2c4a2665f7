// The least that a Node process can be and still hold a device's connection: node:tls with our listener's options, and the four
// bytes of a CONNACK, so that the same client can connect. Memory of an idle connection is measured against it.
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { createServer, type TLSSocket } from "node:tls";
import { answerCalls } from "./child-process.ts";

// Not a part of what the server package offers to others, so that it is fetched by its path.
const { tlsOptions } = (await import(
  new URL("../../packages/server/src/broker/tls-listener.ts", import.meta.url).href
)) as typeof import("../../packages/server/src/broker/tls-listener.ts");

type DeviceTls = Parameters<typeof tlsOptions>[0];

export type BareTlsCalls = { listen(tls: DeviceTls): Promise<number> };

/** MQTT 3.1.1 CONNACK, accepted. */
const CONNACK = Buffer.from([0x20, 0x02, 0x00, 0x00]);
const HANDSHAKE_TIMEOUT_MS = 10_000;

const calls: BareTlsCalls = {
  async listen(tls) {
    const server = createServer(tlsOptions(tls, HANDSHAKE_TIMEOUT_MS), (socket) => socket.on("data", answer));
    const tcp = createTcpServer({ noDelay: true }, (socket) => server.emit("connection", socket));
    await new Promise<void>((resolve) => tcp.listen(0, "127.0.0.1", resolve));
    return (tcp.address() as AddressInfo).port;
  },
};
answerCalls(calls);

function answer(this: TLSSocket, chunk: Buffer): void {
  const isConnect = chunk[0] === 0x10;
  if (isConnect) this.write(CONNACK);
  else this.end();
}
