import { storeContract } from "../contract.ts";
import { createMemoryStore } from "./create-memory-store.ts";

storeContract("memory", async (options) => createMemoryStore(options));
