import { Fault } from "../kit/fault.ts";
import { scrub } from "../kit/scrub.ts";
import type { FaultCode } from "../vocabulary/faults.ts";
import type { AttemptId, CertificateId, TemplateName, ThingName } from "../vocabulary/ids.ts";
import type { AttemptRecord, AttemptStep, Flow, Outcome } from "./ports.ts";

/** Who tries to enroll, and through which door. */
export interface Origin {
  readonly flow: Flow;
  /** The protocol front, for example `aws-mqtt`. */
  readonly front: string;
  readonly clientId: string;
  readonly remoteAddress: string;
  readonly principal: { readonly kind: string; readonly id: string };
}

/** One attempt while it happens: steps are appended, then it ends with a decision. */
export class AttemptLog {
  readonly id: AttemptId;
  readonly #origin: Origin;
  readonly #atMs: number;
  readonly #steps: AttemptStep[];
  template: TemplateName | undefined;
  serialNumber: string | undefined;
  certificateId: CertificateId | undefined;

  constructor(id: AttemptId, origin: Origin, atMs: number, steps: readonly AttemptStep[] = []) {
    this.id = id;
    this.#origin = origin;
    this.#atMs = atMs;
    this.#steps = [...steps];
  }

  /** Takes up an attempt that an earlier message of the same enrollment began. */
  static resume(record: AttemptRecord): AttemptLog {
    const log = new AttemptLog(record.id, record, record.atMs, record.steps);
    log.template = record.template;
    log.serialNumber = record.serialNumber;
    log.certificateId = record.certificateId;
    return log;
  }

  /** The same story as an attempt of its own. */
  under(id: AttemptId): AttemptLog {
    const log = new AttemptLog(id, this.#origin, this.#atMs, this.#steps);
    log.template = this.template;
    log.serialNumber = this.serialNumber;
    log.certificateId = this.certificateId;
    return log;
  }

  ok(step: string, detail: string, atMs: number): void {
    this.#steps.push({ step, verdict: "ok", detail, atMs });
  }

  /** The certificate is out, the device has yet to redeem it. */
  pending(): AttemptRecord {
    return this.#record("pending", undefined, undefined, undefined, []);
  }

  issued(thingName: ThingName | undefined, written: readonly string[]): AttemptRecord {
    return this.#record("issued", undefined, undefined, thingName, written);
  }

  /** Ends with a refusal. `step` names where; the message is the fault's own sentence and its remedy. */
  denied(step: string, fault: Fault, atMs: number): AttemptRecord {
    // What a device sent may be quoted in the message, and a device may send its key where its name should be.
    const detail = scrub(fault.message);
    this.#steps.push({ step, verdict: "denied", detail, atMs });
    return this.#record("denied", fault.code, `${detail} ${fault.remedy}`, undefined, []);
  }

  #record(
    outcome: Outcome,
    reason: FaultCode | undefined,
    message: string | undefined,
    thingName: ThingName | undefined,
    written: readonly string[],
  ): AttemptRecord {
    const { flow, front, clientId, remoteAddress, principal } = this.#origin;
    return {
      id: this.id,
      atMs: this.#atMs,
      flow,
      front,
      clientId,
      remoteAddress,
      principal: { kind: principal.kind, id: principal.id },
      template: this.template,
      serialNumber: this.serialNumber,
      outcome,
      reason,
      message,
      thingName,
      certificateId: this.certificateId,
      steps: [...this.#steps],
      written,
    };
  }
}

/** Any error as the fault a caller may see: what we did not foresee stays private. */
export function asFault(error: unknown): Fault {
  return error instanceof Fault ? error : new Fault("internal_error", undefined, { cause: error });
}
