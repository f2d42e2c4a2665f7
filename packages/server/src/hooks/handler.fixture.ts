// What the tests of handlers share: a hook of one template, its log, and what a denial looks like.
import assert from "node:assert/strict";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type Clock, ManualClock } from "../kit/clock.ts";
import { createEgress } from "../kit/egress.ts";
import { Fault } from "../kit/fault.ts";
import type { Log } from "../kit/log.ts";
import { systemRandom } from "../kit/random.ts";
import type { FaultCode } from "../vocabulary/faults.ts";
import type { TemplateName } from "../vocabulary/ids.ts";
import type { HookDecision, HookRequest } from "./ports.ts";
import { createHooks, type Hooks, type HooksSettings } from "./pre-provisioning.ts";

export const TEMPLATE: TemplateName = "pumps" as TemplateName;

export function request(parameters: Record<string, string> = {}): HookRequest {
  return {
    claimCertificateId: "c1",
    certificateId: "d1",
    certificatePem: "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
    templateArn: "arn:aws:iot:us-east-1:000000000000:provisioningtemplate/pumps",
    clientId: "client-1",
    parameters,
  };
}

/** Log lines as they come, and a way to wait for one: tests move on when something has happened, not after a while. */
export class Lines implements Log {
  readonly all: string[] = [];
  #waiting: { pattern: RegExp; resolve: () => void }[] = [];

  info(message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.all.push(`${message} ${JSON.stringify(fields)}`);
    for (const { pattern, resolve } of this.#waiting) if (pattern.test(this.all.join("\n"))) resolve();
  }

  warn(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.info(message, fields);
  }

  error(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.info(message, fields);
  }

  until(pattern: RegExp): Promise<void> {
    if (pattern.test(this.all.join("\n"))) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ pattern, resolve }));
  }
}

export interface World extends AsyncDisposable {
  readonly hooks: Hooks;
  readonly lines: Lines;
  decide(parameters?: Record<string, string>): Promise<HookDecision>;
}

export function start(source: string, more: { clock?: Clock; fileName?: string } & HooksSettings = {}): World {
  const { clock = new ManualClock(), fileName = "hook.mjs", ...settings } = more;
  const lines = new Lines();
  const hooks = createHooks({ clock, log: lines, random: systemRandom(), egress: createEgress() }, settings);
  hooks.configure(TEMPLATE, { kind: "handler", fileName, source });
  return {
    hooks,
    lines,
    decide: (parameters) => hooks.decide(TEMPLATE, request(parameters)),
    [Symbol.asyncDispose]: () => hooks.close(),
  };
}

export async function denies(work: Promise<unknown>, code: FaultCode, pattern: RegExp): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof Fault, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, pattern);
    assert.ok(error.message.length < 420, error.message);
    return true;
  });
}

export function listening(server: Server): Promise<number> {
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)));
}
