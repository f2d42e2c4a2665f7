import { type AddressInfo, createServer } from "node:net";
import { systemClock } from "../kit/clock.ts";
import { silentLog } from "../kit/log.ts";
import { systemRandom } from "../kit/random.ts";
import { type Broker, type BrokerSettings, createBroker } from "./broker.ts";
import type { BrokerPorts } from "./context.ts";
import { MemoryRetainedStore, MemorySessionStore } from "./memory-stores.ts";
import { noChanges, noReservedTopics, openAdmission, silentEvents } from "./open-admission.ts";

export interface OpenBroker extends AsyncDisposable {
  readonly broker: Broker;
  readonly port: number;
  close(): Promise<void>;
}

/**
 * A broker on plain TCP of this machine that lets everyone do everything, for conformance tests of MQTT itself.
 * `ports` replaces some of what it stands on.
 */
export async function createOpenBroker(
  settings: BrokerSettings = {},
  ports: Partial<BrokerPorts> = {},
): Promise<OpenBroker> {
  const broker = await createBroker({ ...openPorts(), ...ports }, settings);
  let accepted = 0;
  // Each socket counts as an address of its own: what is tested here is MQTT, not the limit on connects.
  const server = createServer({ noDelay: true }, (socket) => {
    broker.attach(socket, { remoteAddress: `conformance-${accepted++}` });
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const close = async () => {
    server.close();
    await broker.close();
  };
  return { broker, port: (server.address() as AddressInfo).port, close, [Symbol.asyncDispose]: close };
}

export function openPorts(): BrokerPorts {
  return {
    admission: openAdmission,
    changes: noChanges,
    reserved: noReservedTopics,
    sessions: new MemorySessionStore(),
    retained: new MemoryRetainedStore(),
    events: silentEvents,
    clock: systemClock,
    random: systemRandom(),
    log: silentLog,
  };
}
