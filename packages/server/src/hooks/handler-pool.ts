// A handler's processes and the requests that wait for them. One process is started ahead, more as requests wait, up to a
// limit; each works on `requestsPerProcess` requests at a time, one by default, as Lambda does.
//
// A request that is not answered in time is denied, and its process is killed and replaced. Where that process was working on
// others too, these are asked once more on another process: they did nothing wrong, and a hook must stand being asked
// twice anyway, because devices retry. A process that ends by itself takes all its requests with it, since nobody
// knows whose fault it was.
import type { Clock } from "../kit/clock.ts";
import { Fault } from "../kit/fault.ts";
import { newId, type Random } from "../kit/random.ts";
import {
  type HandlerProcess,
  type Outcome,
  type ProcessPorts,
  type ProcessSettings,
  startHandlerProcess,
} from "./handler-process.ts";
import { boundedReason, parseAnswer } from "./hook-answer.ts";
import { HOOK_LIMITS } from "./hook-limits.ts";
import { hookPayload } from "./hook-payload.ts";
import type { Hook, HookDecision, HookRequest } from "./ports.ts";
import { RestartDelay } from "./restart-delay.ts";

export interface PoolPorts extends ProcessPorts {
  readonly random: Random;
}

export interface PoolSettings extends ProcessSettings {
  readonly processes: number;
  readonly requestsPerProcess: number;
  readonly timeoutMs: number;
}

interface Job {
  readonly id: number;
  readonly request: HookRequest;
  readonly endsAtMs: number;
  readonly settle: (result: HookDecision | Fault) => void;
  worker: Worker | undefined;
  tries: number;
}

interface Worker {
  readonly process: HandlerProcess;
  readonly jobs: Map<number, Job>;
  ready: boolean;
  idleSinceMs: number;
}

export class HandlerPool implements Hook {
  /** Settles with the first start: undefined if the handler loads, else why it does not. */
  readonly started: Promise<string | undefined>;
  readonly #ports: PoolPorts;
  readonly #settings: PoolSettings;
  readonly #clock: Clock;
  readonly #restart: RestartDelay;
  readonly #workers = new Set<Worker>();
  readonly #endings = new Set<Promise<void>>();
  #queue: Job[] = [];
  #lastId = 0;
  #closed = false;
  #reportStart: (failure: string | undefined) => void = () => undefined;
  #cancelShrink: (() => void) | undefined;

  constructor(ports: PoolPorts, settings: PoolSettings) {
    this.#ports = ports;
    this.#settings = settings;
    this.#clock = ports.clock;
    this.#restart = new RestartDelay(ports.clock);
    this.started = new Promise((resolve) => {
      this.#reportStart = resolve;
    });
    this.#start();
  }

  decide(request: HookRequest): Promise<HookDecision> {
    const refusal = this.#refusal();
    if (refusal !== undefined) return Promise.reject(new Fault("hook_failed", refusal));
    const { timeoutMs } = this.#settings;
    return new Promise((resolve, reject) => {
      const job: Job = {
        id: ++this.#lastId,
        request,
        endsAtMs: this.#clock.monotonicMs() + timeoutMs,
        settle: (result) => {
          cancelTimer();
          if (result instanceof Fault) reject(result);
          else resolve(result);
        },
        worker: undefined,
        tries: 0,
      };
      const cancelTimer = this.#clock.after(timeoutMs, () => this.#expire(job));
      this.#queue.push(job);
      this.#pump();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelShrink?.();
    const stopping = new Fault("hook_failed", "The hook was not waited for: it is being stopped.");
    for (const job of this.#queue.splice(0)) job.settle(stopping);
    for (const worker of [...this.#workers]) {
      this.#kill(worker);
      for (const job of worker.jobs.values()) job.settle(stopping);
    }
    this.#reportStart("it was stopped");
    await Promise.all(this.#endings);
    await this.#settings.files.remove();
  }

  #refusal(): string | undefined {
    if (this.#closed) return "The hook was not asked: it is being stopped.";
    if (this.#queue.length >= HOOK_LIMITS.queuedRequests) {
      return `The hook was not asked: ${this.#queue.length} requests wait for it already.`;
    }
    const waitMs = this.#restart.waitMs();
    if (this.#workers.size > 0 || waitMs === 0) return undefined;
    const next = `next try in ${Math.ceil(waitMs / 1000)} s`;
    return `The hook's handler is not running, ${next}: ${this.#restart.lastReason}`;
  }

  /** Hands out what waits, in the order in which it came. */
  #pump(): void {
    while (this.#queue.length > 0 && !this.#closed) {
      const worker = this.#leastBusy();
      if (worker === undefined) {
        this.#grow();
        return;
      }
      const job = this.#queue.shift();
      if (job !== undefined) this.#give(worker, job);
    }
  }

  #leastBusy(): Worker | undefined {
    const able = [...this.#workers].filter(
      (worker) => worker.ready && worker.jobs.size < this.#settings.requestsPerProcess,
    );
    return able.sort((a, b) => a.jobs.size - b.jobs.size)[0];
  }

  #give(worker: Worker, job: Job): void {
    job.worker = worker;
    job.tries++;
    worker.jobs.set(job.id, job);
    worker.process.send({
      id: job.id,
      event: hookPayload(job.request),
      remainingMs: Math.max(0, job.endsAtMs - this.#clock.monotonicMs()),
      requestId: newId("ask", this.#clock.now(), this.#ports.random),
    });
  }

  /** One start at a time: a burst must not become a burst of processes. */
  #grow(): void {
    const starting = [...this.#workers].some((worker) => !worker.ready);
    if (!starting && this.#workers.size < this.#settings.processes) this.#start();
  }

  #start(): void {
    if (this.#closed) return;
    const worker: Worker = {
      jobs: new Map(),
      ready: false,
      idleSinceMs: 0,
      process: startHandlerProcess(this.#ports, this.#settings, {
        ready: () => {
          worker.ready = true;
          worker.idleSinceMs = this.#clock.monotonicMs();
          this.#reportStart(undefined);
          this.#pump();
        },
        answered: (id, outcome) => this.#answered(worker, id, outcome),
        ended: (reason) => this.#ended(worker, boundedReason(reason)),
      }),
    };
    this.#workers.add(worker);
  }

  #answered(worker: Worker, id: number, outcome: Outcome): void {
    const job = worker.jobs.get(id);
    if (job === undefined) return;
    worker.jobs.delete(id);
    worker.idleSinceMs = this.#clock.monotonicMs();
    this.#restart.succeeded();
    job.settle(read(outcome));
    this.#pump();
    this.#shrinkLater();
  }

  #ended(worker: Worker, reason: string): void {
    this.#forget(worker, worker.process.kill());
    this.#ports.log.warn("a hook handler's process ended", { hook: this.#settings.functionName, reason });
    this.#reportStart(reason);
    const fault = new Fault("hook_failed", `The hook's process ended before it answered: ${reason}`);
    for (const job of worker.jobs.values()) job.settle(fault);
    // With a request under way the request is to blame; without one the handler itself is, and would only end again.
    if (worker.jobs.size === 0) this.#restart.failed(reason, worker.ready);
    this.#startAgain();
  }

  #startAgain(): void {
    if (this.#workers.size > 0) this.#pump();
    else if (this.#restart.waitMs() === 0) this.#start();
    else this.#denyQueue();
  }

  #denyQueue(): void {
    const fault = new Fault("hook_failed", `The hook's handler could not be started: ${this.#restart.lastReason}`);
    for (const job of this.#queue.splice(0)) job.settle(fault);
  }

  #expire(job: Job): void {
    const { timeoutMs } = this.#settings;
    const { worker } = job;
    if (worker === undefined) {
      this.#queue = this.#queue.filter((other) => other !== job);
      const fault = new Fault(
        "hook_timeout",
        `The hook was not asked within ${timeoutMs} ms: all its processes were busy or starting.`,
      );
      job.settle(fault);
      return;
    }
    this.#kill(worker);
    job.settle(new Fault("hook_timeout", `The hook did not answer within ${timeoutMs} ms; its process was stopped.`));
    for (const other of worker.jobs.values()) if (other !== job) this.#askAgain(other);
    this.#startAgain();
    this.#pump();
  }

  #askAgain(job: Job): void {
    job.worker = undefined;
    if (job.tries < 2) this.#queue.unshift(job);
    else job.settle(new Fault("hook_failed", "The hook's process was stopped twice because of other requests."));
  }

  #kill(worker: Worker): void {
    this.#forget(worker, worker.process.kill());
  }

  #forget(worker: Worker, ending: Promise<void>): void {
    this.#workers.delete(worker);
    this.#endings.add(ending);
    void ending.then(() => this.#endings.delete(ending));
  }

  #shrinkLater(): void {
    if (this.#cancelShrink !== undefined || this.#workers.size < 2) return;
    this.#cancelShrink = this.#clock.after(HOOK_LIMITS.idleProcessMs, () => {
      this.#cancelShrink = undefined;
      this.#shrink();
      this.#shrinkLater();
    });
  }

  #shrink(): void {
    const idleBeforeMs = this.#clock.monotonicMs() - HOOK_LIMITS.idleProcessMs;
    for (const worker of [...this.#workers]) {
      const idle = worker.ready && worker.jobs.size === 0 && worker.idleSinceMs <= idleBeforeMs;
      if (!idle || this.#workers.size < 2) continue;
      this.#ports.log.info("a hook handler's process is not needed any more", { hook: this.#settings.functionName });
      this.#kill(worker);
    }
  }
}

function read(outcome: Outcome): HookDecision | Fault {
  if (outcome.kind === "answer") {
    try {
      return parseAnswer(outcome.answer);
    } catch (error) {
      if (error instanceof Fault) return error;
      throw error;
    }
  }
  const words = boundedReason(outcome.message);
  if (outcome.kind === "unusable") return new Fault("hook_answer_invalid", `The hook's answer ${words}.`);
  return new Fault(
    "hook_failed",
    words === "" ? "The hook threw an error without a message." : `The hook threw: ${words}`,
  );
}
