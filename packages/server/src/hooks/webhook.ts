import type { Clock } from "../kit/clock.ts";
import { type Egress, requireSuccess } from "../kit/egress.ts";
import { EgressError } from "../kit/egress-error.ts";
import { Fault } from "../kit/fault.ts";
import { LIMITS } from "../kit/limits.ts";
import { newId, type Random } from "../kit/random.ts";
import { CircuitBreaker } from "./circuit-breaker.ts";
import { boundedReason, parseAnswerText } from "./hook-answer.ts";
import { HOOK_LIMITS } from "./hook-limits.ts";
import { hookPayload } from "./hook-payload.ts";
import type { Hook, HookDecision, HookRequest } from "./ports.ts";
import { HOOK_ID_HEADER, SIGNATURE_HEADER, signWebhook } from "./webhook-signature.ts";

export interface WebhookPorts {
  readonly egress: Egress;
  readonly clock: Clock;
  readonly random: Random;
}

export interface WebhookSettings {
  readonly url: string;
  readonly secret: string;
  readonly timeoutMs?: number;
}

/** Asks somebody's HTTPS server, with a signed request; any 2xx answer is read as a decision. */
export function createWebhook(ports: WebhookPorts, settings: WebhookSettings): Hook {
  const { breakerFailures: failures, breakerPauseMs: pauseMs } = HOOK_LIMITS;
  const breaker = new CircuitBreaker(ports.clock, { failures, pauseMs });
  const closing = new AbortController();
  let inFlight = 0;
  return {
    async decide(request) {
      const refusal = closing.signal.aborted ? "the server is stopping" : breaker.refusal();
      if (refusal !== undefined) throw new Fault("hook_failed", `The webhook was not asked: ${refusal}`);
      if (inFlight >= HOOK_LIMITS.webhooksInFlight) {
        throw new Fault("hook_failed", `The webhook was not asked: ${inFlight} requests to it are under way already.`);
      }
      inFlight++;
      try {
        return await ask(ports, settings, { request, breaker, signal: closing.signal });
      } finally {
        inFlight--;
      }
    },
    async close() {
      closing.abort();
    },
  };
}

interface Asking {
  readonly request: HookRequest;
  readonly breaker: CircuitBreaker;
  readonly signal: AbortSignal;
}

async function ask(ports: WebhookPorts, settings: WebhookSettings, asking: Asking): Promise<HookDecision> {
  let bytes: Uint8Array;
  try {
    bytes = await post(ports, settings, asking);
  } catch (error) {
    if (!(error instanceof EgressError)) throw error;
    if (asking.signal.aborted)
      throw new Fault("hook_failed", "The webhook was not waited for: the server is stopping.");
    const fault = toFault(error, settings.timeoutMs ?? LIMITS.hookTimeoutMs);
    if (fault.code !== "hook_answer_invalid") asking.breaker.failed(fault.message);
    throw fault;
  }
  // Nonsense is an answer too: the breaker is for partners that cannot be reached.
  asking.breaker.succeeded();
  return parseAnswerText(bytes);
}

/** Once more where no connection came about, as happens while a receiver restarts, within the same deadline. */
async function post(ports: WebhookPorts, settings: WebhookSettings, asking: Asking): Promise<Uint8Array> {
  const timeoutMs = settings.timeoutMs ?? LIMITS.hookTimeoutMs;
  const startedMs = ports.clock.monotonicMs();
  const body = JSON.stringify(hookPayload(asking.request));
  const id = newId("ask", ports.clock.now(), ports.random);
  const once = async (remainingMs: number) => {
    const headers = {
      [SIGNATURE_HEADER]: signWebhook(settings.secret, body, Math.floor(ports.clock.now() / 1000)),
      [HOOK_ID_HEADER]: id,
    };
    const { url } = settings;
    const maxAnswerBytes = LIMITS.hookAnswerBytes;
    return ports.egress.postJson({ url, body, headers, timeoutMs: remainingMs, maxAnswerBytes, signal: asking.signal });
  };
  const answer = await once(timeoutMs).catch((error: unknown) => {
    const remainingMs = timeoutMs - (ports.clock.monotonicMs() - startedMs);
    if (error instanceof EgressError && error.kind === "unreachable" && remainingMs > 0) return once(remainingMs);
    throw error;
  });
  return requireSuccess(answer).body;
}

function toFault(error: EgressError, timeoutMs: number): Fault {
  if (error.kind === "timeout") {
    return new Fault("hook_timeout", `The webhook did not answer within ${timeoutMs} ms.`, { cause: error });
  }
  const code = error.kind === "too-large" ? "hook_answer_invalid" : "hook_failed";
  return new Fault(code, `The webhook failed: ${boundedReason(error.message)}`, { cause: error });
}
