import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** Passes bytes on and keeps what the client sent, as a false server on the path would. */
export class RecordingProxy {
  readonly #server: Server;
  readonly #chunks: Buffer[] = [];
  readonly #sockets = new Set<Socket>();

  readonly #gone = Promise.withResolvers<void>();

  private constructor(targetPort: number) {
    this.#server = createServer((client) => {
      const target = connect({ port: targetPort, host: "127.0.0.1", noDelay: true });
      client.setNoDelay(true);
      client.on("data", (chunk) => this.#chunks.push(chunk));
      client.on("close", () => this.#gone.resolve());
      client.pipe(target).pipe(client);
      for (const socket of [client, target]) {
        this.#sockets.add(socket);
        socket.on("error", () => {
          client.destroy();
          target.destroy();
        });
      }
    });
  }

  static async start(targetPort: number): Promise<RecordingProxy> {
    const proxy = new RecordingProxy(targetPort);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Resolves when the client's connection has ended and all that it sent is here. */
  get clientGone(): Promise<void> {
    return this.#gone.promise;
  }

  /** The types of the TLS records that the client sent: 22 for a hello, 21 alert, 20 change cipher spec, 23 anything encrypted. */
  get recordTypes(): number[] {
    const bytes = Buffer.concat(this.#chunks);
    const types: number[] = [];
    for (let at = 0; at + 5 <= bytes.length; at += 5 + bytes.readUInt16BE(at + 3)) types.push(bytes[at]!);
    return types;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
