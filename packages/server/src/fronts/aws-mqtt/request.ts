import type { DevicePrincipal } from "../../vocabulary/principal.ts";

/** One request of a device, as its connection hands it over. `reply` publishes on that connection and nowhere else. */
export interface DeviceRequest {
  readonly principal: DevicePrincipal;
  readonly clientId: string;
  readonly remoteAddress: string;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly reply: (topic: string, payload: Uint8Array) => void;
}
