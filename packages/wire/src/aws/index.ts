export * from "./payload-codec.ts";
export * from "./payloads.ts";
export * from "./topics.ts";
