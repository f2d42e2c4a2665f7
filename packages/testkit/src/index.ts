export * from "./csr.ts";
export * from "./raw-connection.ts";
export * from "./records.ts";
export * from "./self-signed.ts";
export * from "./simulated-device.ts";
export * from "./world.ts";
