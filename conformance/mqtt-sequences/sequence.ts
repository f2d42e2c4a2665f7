import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** One step of a sequence: bytes to send, bytes to expect, or a message that another client publishes meanwhile. */
export type Step =
  | { readonly type: "send" | "recv"; readonly bytes: Buffer }
  | { readonly type: "publish"; readonly topic: string; readonly payload: string; readonly qos: 0 | 1 | 2 };

export interface Sequence {
  /** Where it stands in all files, from 0: what makes its client identifier its own. */
  readonly index: number;
  readonly group: string;
  readonly name: string;
  /** MQTT version of the CONNECT that the runner sends before the steps: 3, 4 or 5. */
  readonly version: number;
  /** False where the steps connect by themselves. */
  readonly connects: boolean;
  readonly steps: readonly Step[];
  /** Whether the server must close; otherwise it must still answer a ping. */
  readonly closes: boolean;
}

interface RawTest {
  readonly name: string;
  readonly ver?: number;
  readonly connect?: boolean;
  readonly expect_disconnect?: boolean;
  readonly msgs: readonly {
    readonly type: string;
    readonly payload: string;
    readonly topic?: string;
    readonly qos?: number;
  }[];
}

interface RawGroup {
  readonly group: string;
  readonly disable?: boolean;
  readonly tests: readonly RawTest[];
}

/** All sequences of a folder in the order of its files. The defaults are those of Mosquitto's own runner. */
export async function loadSequences(folder: string): Promise<Sequence[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith(".json")).sort();
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), "utf8")));
  const groups = texts.flatMap((text) => JSON.parse(text) as RawGroup[]).filter(({ disable }) => !disable);
  return groups
    .flatMap(({ group, tests }) => tests.map((raw) => ({ group, raw })))
    .map(({ group, raw }, index) => sequenceOf(index, group, raw));
}

function sequenceOf(index: number, group: string, raw: RawTest): Sequence {
  return {
    index,
    group,
    name: raw.name,
    version: raw.ver ?? 4,
    connects: !(raw.connect ?? true),
    steps: raw.msgs.map(stepOf),
    closes: raw.expect_disconnect ?? true,
  };
}

function stepOf({ type, payload, topic = "", qos = 0 }: RawTest["msgs"][number]): Step {
  if (type === "publish") return { type, topic, payload, qos: qos as 0 | 1 | 2 };
  if (type !== "send" && type !== "recv") throw new Error(`a step of type ${type} is not known to this runner`);
  return { type, bytes: Buffer.from(payload.replaceAll(" ", ""), "hex") };
}
