import type { Readable } from "node:stream";

/** Takes the first line off a stream and leaves the rest in it. Ends at end of stream, or at `maxBytes`, with an error. */
export function readLine(stream: Readable, maxBytes: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let held = Buffer.alloc(0);
    const finish = (settle: () => void): void => {
      stream.off("readable", take);
      stream.off("end", onEnd);
      settle();
    };
    const onEnd = (): void => finish(() => reject(new Error("The stream ended within its first line.")));
    const take = (): void => {
      const chunk = stream.read() as Buffer | null;
      if (chunk === null) return;
      held = Buffer.concat([held, chunk]);
      const end = held.indexOf("\n");
      if (end < 0 && held.length <= maxBytes) return;
      if (end >= 0 && end + 1 < held.length) stream.unshift(held.subarray(end + 1));
      finish(() => {
        if (end >= 0) resolve(held.subarray(0, end).toString());
        else reject(new Error(`The first line is longer than ${maxBytes} bytes.`));
      });
    };
    stream.on("readable", take);
    stream.on("end", onEnd);
  });
}
