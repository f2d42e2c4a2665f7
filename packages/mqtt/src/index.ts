export * from "./codec.ts";
export * from "./packets.ts";
