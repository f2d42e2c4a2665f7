// Measures the floor in a process that was started with the server's Node and the server's flags.
import { answerCalls } from "./child-process.ts";
import { type CryptoFloor, measureCryptoFloor } from "./crypto-floor.ts";

export type FloorCalls = { measure(repetitions: number): Promise<CryptoFloor> };

const calls: FloorCalls = { measure: async (repetitions) => measureCryptoFloor(repetitions) };
answerCalls(calls);
