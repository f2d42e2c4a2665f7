import type { Operation } from "@fleetmint/wire/v1";
import type { AdminPorts } from "./ports.ts";

/** An operation's answer as one JSON value, or as a stream of lines where the operation says so. */
export function respond(ports: Pick<AdminPorts, "log">, operation: Operation, answer: unknown): Response {
  if (operation.lines === true) return stream(ports, answer as AsyncIterable<string>);
  return new Response(JSON.stringify(answer), {
    status: operation.status ?? 200,
    headers: { "content-type": "application/json" },
  });
}

function stream(ports: Pick<AdminPorts, "log">, lines: AsyncIterable<string>): Response {
  const encoder = new TextEncoder();
  const iterator = lines[Symbol.asyncIterator]();
  const body = new ReadableStream<Uint8Array>({
    // Pulled, not pushed: a slow reader holds one line in memory, not the log.
    async pull(controller) {
      try {
        const { done, value } = await iterator.next();
        if (done === true) controller.close();
        else controller.enqueue(encoder.encode(`${value}\n`));
      } catch (error) {
        ports.log.error("A streamed answer broke off.", { error });
        // The status is long gone; cutting the connection is the only honest end.
        controller.error(new Error("the answer broke off"));
      }
    },
    async cancel() {
      await iterator.return?.();
    },
  });
  return new Response(body, { headers: { "content-type": "application/x-ndjson" } });
}
