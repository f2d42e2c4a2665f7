import { createHash } from "node:crypto";
import { pemEncode } from "@fleetmint/pki";
import { certificateActivated } from "../audit/events.ts";
import type { HookDecision, HookRequest } from "../hooks/ports.ts";
import type { Clock } from "../kit/clock.ts";
import { Fault } from "../kit/fault.ts";
import { faultPoint } from "../kit/fault-points.ts";
import { LIMITS } from "../kit/limits.ts";
import { parsePolicy } from "../policies/parse-policy.ts";
import { evaluate } from "../templates/evaluate.ts";
import type { Plan } from "../templates/plan.ts";
import type { ClaimId, TemplateName, ThingName } from "../vocabulary/ids.ts";
import type { AttemptLog } from "./attempt-log.ts";
import { checkParameters, checkSerialNumber, describeNames, recordedSerial } from "./device-parameters.ts";
import type { AttemptStore, ClaimRecord, ClaimStore, EnrollmentStore, Redemption, TokenRecord } from "./ports.ts";
import { hashToken } from "./request-certificate.ts";
import { takeStep } from "./steps.ts";
import { suspension } from "./suspension.ts";
import type { CurrentTemplate, TemplateCatalog } from "./template-catalog.ts";
import type { TokenDeadlines } from "./token-deadlines.ts";

export interface RedeemPorts {
  readonly clock: Clock;
  readonly deadlines: TokenDeadlines;
  readonly claims: ClaimStore;
  readonly store: EnrollmentStore & AttemptStore;
  readonly templates: TemplateCatalog;
  readonly hooks: HookAsker;
  /** `arn:aws:iot:REGION:ACCOUNT`, as hooks see it. */
  readonly arnPrefix: string;
}

/** Asks the hook of a template; a template without one allows everything. Its Faults deny. */
export interface HookAsker {
  decide(template: TemplateName, request: HookRequest): Promise<HookDecision>;
}

export interface RedeemCommand {
  readonly claimId: ClaimId;
  readonly clientId: string;
  readonly ownershipToken: string;
  readonly templateName: TemplateName;
  /** As the device sent them, decoded. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** What the engine decides. AWS's protocol has no `pending`; other fronts do. */
export type EnrollmentOutcome =
  | { readonly kind: "issued"; readonly redemption: Redemption }
  | { readonly kind: "pending"; readonly retryAfterSeconds: number; readonly message: string };

/** A token's whole life, and what NTP may correct. */
const LONGEST_LEFT_MS = LIMITS.ownershipTokenSeconds * 1000 + 5 * 60_000;

/** A template that changes under a running redemption is evaluated again this often. */
const EVALUATIONS = 3;

/** Looks the token up: who may redeem it, and whether it was redeemed before. */
export async function findToken(ports: RedeemPorts, command: RedeemCommand): Promise<TokenRecord> {
  if (command.ownershipToken === "") throw new Fault("token_missing");
  const tokenHash = hashToken(command.ownershipToken);
  const token = await ports.store.token(tokenHash);
  faultPoint("redeem-looked-up");
  if (token === undefined) throw new Fault("token_unknown");
  if (token.claimId !== command.claimId || token.clientId !== command.clientId) {
    throw new Fault("token_principal_mismatch");
  }
  if (token.redemption === undefined && hasEnded(ports, tokenHash, token)) throw new Fault("token_expired");
  return token;
}

/** By either clock. A token that would live longer than any was made while the wall clock was ahead. */
function hasEnded({ clock, deadlines }: RedeemPorts, tokenHash: string, { expiresAtMs }: TokenRecord): boolean {
  const leftMs = expiresAtMs - clock.now();
  return leftMs <= 0 || leftMs > LONGEST_LEFT_MS || deadlines.hasPassed(tokenHash);
}

/** Redeems an ownership token through a template: hook, evaluation, then one transaction that repeats every condition. */
export async function redeem(
  ports: RedeemPorts,
  attempt: AttemptLog,
  request: { readonly command: RedeemCommand; readonly token: TokenRecord },
): Promise<EnrollmentOutcome> {
  const { command, token } = request;
  const claim = await takeStep(attempt, ports.clock, {
    name: "claim",
    run: () => claimForTemplate(ports, command),
    say: (found) => `Claim ${found.claimId} may use template ${command.templateName}.`,
  });
  const requestDigest = digestOf(command);
  if (token.redemption !== undefined) return replay(token.redemption, requestDigest);
  for (let round = 0; round < EVALUATIONS; round++) {
    const outcome = await redeemOnce(ports, attempt, { command, token, claim, requestDigest });
    if (outcome !== undefined) return { kind: "issued", redemption: outcome };
  }
  throw new Fault("template_evaluation_failed", `The template "${command.templateName}" keeps changing; try again.`);
}

async function claimForTemplate(ports: RedeemPorts, command: RedeemCommand): Promise<ClaimRecord> {
  const claim = await ports.claims.claim(command.claimId);
  if (claim === undefined || claim.status === "disabled") throw new Fault("claim_disabled");
  if (claim.status === "suspended") throw suspension(claim);
  if (claim.quarantined) throw new Fault("claim_suspended", `The claim ${claim.claimId} is quarantined.`);
  if (!claim.templates.includes(command.templateName)) {
    throw new Fault(
      "claim_template_refused",
      `The claim ${claim.claimId} is for ${claim.templates.join(", ")}, not for "${command.templateName}".`,
    );
  }
  return claim;
}

/** A retry gets the same answer, without asking the hook again. */
function replay(redemption: Redemption, requestDigest: string): EnrollmentOutcome {
  if (redemption.requestDigest !== requestDigest) throw new Fault("token_already_used");
  return { kind: "issued", redemption };
}

interface RedeemContext {
  readonly command: RedeemCommand;
  readonly token: TokenRecord;
  readonly claim: ClaimRecord;
  readonly requestDigest: string;
}

/** One round; undefined when the template changed meanwhile. */
async function redeemOnce(
  ports: RedeemPorts,
  attempt: AttemptLog,
  context: RedeemContext,
): Promise<Redemption | undefined> {
  const { command, token, claim } = context;
  const { clock } = ports;
  const current = await takeStep(attempt, clock, {
    name: "template",
    run: () => ports.templates.current(command.templateName),
    say: (found) => `Template ${command.templateName}, version ${found.version}.`,
  });
  attempt.template = command.templateName;
  const parameters = await finalParameters(ports, attempt, { command, token, claim, current });
  const plan = await takeStep(attempt, clock, {
    name: "evaluate",
    run: () => planFor(current, { parameters, command, token }),
    say: (made) => describePlan(made),
  });
  attempt.serialNumber = recordedSerial(plan.serialNumber);
  faultPoint("plan-evaluated");
  return write(ports, attempt, { ...context, current, plan });
}

/** The device's parameters, checked, then the hook's overrides on top, checked against the list again. */
async function finalParameters(
  ports: RedeemPorts,
  attempt: AttemptLog,
  context: Pick<RedeemContext, "command" | "token" | "claim"> & { readonly current: CurrentTemplate },
): Promise<{ device: ReadonlyMap<string, string>; overrides: ReadonlyMap<string, string> }> {
  const { command, token, claim, current } = context;
  const serialParameter = current.record.settings.serialParameter;
  const device = await takeStep(attempt, ports.clock, {
    name: "parameters",
    run: async () => {
      checkParameters(command.parameters);
      const value = command.parameters.get(serialParameter);
      attempt.serialNumber = recordedSerial(value);
      await checkSerialNumber(ports.claims, claim, { name: serialParameter, value });
      return command.parameters;
    },
    say: describeNames,
  });
  if (current.record.hook === undefined) return { device, overrides: withoutHook(claim, command.templateName) };
  const decision = await takeStep(attempt, ports.clock, {
    name: "hook",
    run: () => ports.hooks.decide(command.templateName, hookRequest(ports, { command, token })),
    say: (decided) => `Allowed; overrides: ${Object.keys(decided.parameterOverrides).join(", ") || "none"}.`,
  });
  faultPoint("hook-decided");
  return { device, overrides: new Map(Object.entries(decision.parameterOverrides)) };
}

/** A claim that was made to rely on a hook does not open when the template loses it. */
function withoutHook(claim: ClaimRecord, template: TemplateName): ReadonlyMap<string, string> {
  if (claim.guard !== "hook") return new Map();
  throw new Fault("hook_failed", `The claim ${claim.claimId} relies on the hook of "${template}", which has none now.`);
}

function hookRequest(ports: RedeemPorts, context: { command: RedeemCommand; token: TokenRecord }): HookRequest {
  const { command, token } = context;
  return {
    claimCertificateId: token.claimCertificateId,
    certificateId: token.certificateId,
    certificatePem: pemEncode(token.certificateDer, "CERTIFICATE"),
    templateArn: `${ports.arnPrefix}:provisioningtemplate/${command.templateName}`,
    clientId: command.clientId,
    parameters: Object.fromEntries(command.parameters),
  };
}

function planFor(
  current: CurrentTemplate,
  context: {
    parameters: { device: ReadonlyMap<string, string>; overrides: ReadonlyMap<string, string> };
    command: RedeemCommand;
    token: TokenRecord;
  },
): Plan {
  const plan = evaluate(current.template, {
    deviceParameters: context.parameters.device,
    hookOverrides: context.parameters.overrides,
    clientId: context.command.clientId,
    certificateId: context.token.certificateId,
    settings: current.record.settings,
  });
  // A document is text until its parameters are in: what is stored must be a policy, or the device could never connect.
  for (const { document } of plan.policies) if (document !== undefined) parsePolicy(document);
  return plan;
}

async function write(
  ports: RedeemPorts,
  attempt: AttemptLog,
  context: RedeemContext & { readonly current: CurrentTemplate; readonly plan: Plan },
): Promise<Redemption | undefined> {
  const { command, token, claim, current, plan } = context;
  const nowMs = ports.clock.now();
  const thingName: ThingName | undefined = plan.thing?.name;
  const outcome = await ports.store.redeem({
    tokenHash: hashToken(command.ownershipToken),
    claimId: claim.claimId,
    clientId: command.clientId,
    requestDigest: context.requestDigest,
    template: { name: command.templateName, version: current.version },
    existingThing: current.record.settings.existingThing,
    expectedSerial: claim.guard === "serials" ? plan.serialNumber : undefined,
    serialNumber: plan.serialNumber,
    plan,
    nowMs,
    attempt: attempt.issued(thingName, whatIsWritten(plan, token)),
    audit: certificateActivated({
      actor: `claim:${claim.claimId}`,
      certificateId: token.certificateId,
      atMs: nowMs,
      detail: { thingName, template: command.templateName, version: current.version, serialNumber: plan.serialNumber },
    }),
  });
  faultPoint("redeem-committed");
  return outcome.kind === "template_changed" ? undefined : outcome.redemption;
}

/** Template and decoded parameters, whatever their order or encoding on the wire. */
function digestOf(command: RedeemCommand): string {
  const parameters = [...command.parameters].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return createHash("sha256")
    .update(JSON.stringify([command.templateName, parameters]))
    .digest("hex");
}

function describePlan(plan: Plan): string {
  const thing = plan.thing === undefined ? "no thing" : `thing ${plan.thing.name}`;
  return `${thing}, ${plan.policies.length} policies, certificate ${plan.certificateStatus}.`;
}

function whatIsWritten(plan: Plan, token: TokenRecord): string[] {
  const written = [`certificate ${token.certificateId} ${plan.certificateStatus}`];
  if (plan.thing !== undefined) written.push(`thing ${plan.thing.name}`);
  for (const group of plan.thing?.groups ?? []) written.push(`member of ${group}`);
  for (const policy of plan.policies) written.push(`policy ${policy.name}`);
  return written;
}
