export * from "./simulated-device.ts";
export * from "./world.ts";
