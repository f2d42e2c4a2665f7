import type { Problem } from "@fleetmint/wire/v1";
import { Fault } from "../../kit/fault.ts";
import { newId } from "../../kit/random.ts";
import { FAULTS } from "../../vocabulary/faults.ts";
import { FAULT_STATUS } from "./fault-status.ts";
import type { AdminPorts } from "./ports.ts";

/** A refusal of HTTP itself, whose status its code alone does not tell: 404 for a route, 405, 413, 415. */
export class RouteFault extends Fault {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(status === 404 ? "not_found" : "request_invalid", message);
    this.status = status;
    this.headers = headers;
  }
}

/** Whatever was thrown, as RFC 9457 problem details. What is not a Fault is a bug: the caller gets an id, the log the rest. */
export function problemResponse(ports: Pick<AdminPorts, "clock" | "random" | "log">, thrown: unknown): Response {
  if (thrown instanceof Fault && thrown.code !== "internal_error") return answer(describe(thrown), headersOf(thrown));
  const id = newId("err", ports.clock.now(), ports.random);
  ports.log.error("An administration request failed unexpectedly.", { id, error: thrown });
  const hidden = new Fault(
    "internal_error",
    `The server failed while doing this; its log has the details under ${id}.`,
  );
  return answer({ ...describe(hidden), instance: `urn:fleetmint:error:${id}` }, {});
}

function describe(fault: Fault): Problem {
  return {
    type: `urn:fleetmint:problem:${fault.code}`,
    title: FAULTS[fault.code].meaning,
    status: fault instanceof RouteFault ? fault.status : FAULT_STATUS[fault.code],
    detail: fault.message,
    code: fault.code,
    remedy: fault.remedy,
  };
}

function headersOf(fault: Fault): Readonly<Record<string, string>> {
  if (fault instanceof RouteFault) return fault.headers;
  // RFC 9110 §11.6.1: a 401 names the scheme.
  return fault.code === "unauthenticated" ? { "www-authenticate": 'Bearer realm="fleetmint"' } : {};
}

function answer(problem: Problem, headers: Readonly<Record<string, string>>): Response {
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: { ...headers, "content-type": "application/problem+json" },
  });
}
