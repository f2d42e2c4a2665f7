import {
  decodePayload,
  type ErrorResponse,
  encodePayload,
  PayloadError,
  parseRequestTopic,
  type RenewResponse,
  type ReservedOperation,
} from "@fleetmint/wire";
import { asFault, type Origin } from "../../enrollment/attempt-log.ts";
import type { Enrollment } from "../../enrollment/enrollment.ts";
import { Fault } from "../../kit/fault.ts";
import { LIMITS } from "../../kit/limits.ts";
import type { Log } from "../../kit/log.ts";
import { certificateAnswer, readCsrRequest, readKeysRequest } from "./create-certificate.ts";
import { textField } from "./fields.ts";
import { readRegisterThing, registerThingAnswer, templateNameOf } from "./register-thing.ts";
import { awsRejection } from "./rejections.ts";
import type { DeviceRequest } from "./request.ts";

/** AWS IoT fleet provisioning over MQTT: payloads in, engine, payloads out, on the connection that asked. */
export interface AwsMqttFront {
  accepts(topic: string): boolean;
  handle(request: DeviceRequest): Promise<void>;
}

type Answer = object;

export function createAwsMqttFront(ports: { readonly enrollment: Enrollment; readonly log: Log }): AwsMqttFront {
  return {
    accepts: (topic) => parseRequestTopic(topic) !== undefined,
    async handle(request) {
      const operation = parseRequestTopic(request.topic);
      if (operation === undefined) return;
      try {
        const answer = await perform(ports.enrollment, request, operation);
        request.reply(`${request.topic}/accepted`, encodePayload(operation.format, answer));
      } catch (error) {
        if (!(error instanceof Fault)) ports.log.error("A provisioning request failed unexpectedly.", { error });
        request.reply(`${request.topic}/rejected`, encodePayload(operation.format, rejection(asFault(error))));
      }
    },
  };
}

/** Code, sentence and remedy; what was not foreseen stays private. */
export function rejection(fault: Fault): ErrorResponse {
  return { ...awsRejection(fault.code), errorMessage: `${fault.message} ${fault.remedy} [${fault.code}]` };
}

async function perform(enrollment: Enrollment, request: DeviceRequest, operation: ReservedOperation): Promise<Answer> {
  const fields = await readPayload(enrollment, request, operation);
  switch (operation.kind) {
    case "create-keys":
    case "create-from-csr":
      return createCertificate(enrollment, request, { operation, fields });
    case "register-thing":
      return registerThing(enrollment, request, { operation, fields });
    case "renew":
      return renew(enrollment, request, fields);
  }
}

async function createCertificate(
  enrollment: Enrollment,
  request: DeviceRequest,
  received: { operation: ReservedOperation; fields: Readonly<Record<string, unknown>> },
): Promise<Answer> {
  const key = await recordingDenial(enrollment, request, "csr", () =>
    received.operation.kind === "create-keys" ? readKeysRequest(received.fields) : readCsrRequest(received.fields),
  );
  const origin = originOf(request);
  const { principal } = request;
  if (principal.kind === "device" && principal.thingName !== undefined) {
    const { thingName, certificateId } = principal;
    return certificateAnswer(await enrollment.requestRenewal({ origin, thingName, certificateId, key }));
  }
  const { claimId, certificateId } = await recordingDenial(enrollment, request, "claim", () => claimOf(request));
  return certificateAnswer(
    await enrollment.requestCertificate({ origin, claimId, claimCertificateId: certificateId, key }),
  );
}

async function registerThing(
  enrollment: Enrollment,
  request: DeviceRequest,
  received: { operation: ReservedOperation & { kind: "register-thing" }; fields: Readonly<Record<string, unknown>> },
): Promise<Answer> {
  const { claimId } = await recordingDenial(enrollment, request, "claim", () => claimOf(request));
  const command = await recordingDenial(enrollment, request, "payload", () =>
    readRegisterThing(received.fields, {
      claimId,
      clientId: request.clientId,
      templateName: received.operation.templateName,
    }),
  );
  const outcome = await enrollment.redeem(originOf(request), command);
  // AWS's protocol cannot say "come back later": a retry with the same token is the way to ask again.
  if (outcome.kind === "pending") throw new Fault("claim_rate_exceeded", outcome.message);
  return registerThingAnswer(outcome.redemption);
}

/** Ours: redeems the token of a certificate that the device asked for with its own. */
async function renew(
  enrollment: Enrollment,
  request: DeviceRequest,
  fields: Readonly<Record<string, unknown>>,
): Promise<RenewResponse> {
  const command = await recordingDenial(enrollment, request, "payload", () => {
    const { principal, clientId } = request;
    const thingName = principal.kind === "device" ? principal.thingName : undefined;
    if (thingName === undefined)
      throw new Fault("token_principal_mismatch", "Only the device of a thing renews its certificate.");
    return { thingName, clientId, ownershipToken: textField(fields, "certificateOwnershipToken") ?? "" };
  });
  await enrollment.activateRenewal(originOf(request), command);
  return { thingName: command.thingName };
}

async function readPayload(
  enrollment: Enrollment,
  request: DeviceRequest,
  operation: ReservedOperation,
): Promise<Readonly<Record<string, unknown>>> {
  return recordingDenial(enrollment, request, "payload", () => {
    if (operation.kind === "register-thing") templateNameOf(operation.templateName);
    if (request.payload.length > LIMITS.provisioningPayloadBytes) {
      throw new Fault(
        "payload_too_large",
        `The payload has ${request.payload.length} bytes; at most ${LIMITS.provisioningPayloadBytes} are read.`,
      );
    }
    try {
      return decodePayload(operation.format, request.payload);
    } catch (error) {
      throw error instanceof PayloadError ? new Fault("payload_malformed", error.message) : error;
    }
  });
}

/** What this front refuses before the engine is asked is an attempt too. */
async function recordingDenial<Result>(
  enrollment: Enrollment,
  request: DeviceRequest,
  step: string,
  read: () => Result,
): Promise<Result> {
  try {
    return read();
  } catch (error) {
    const claimId = request.principal.kind === "claim" ? request.principal.claimId : undefined;
    await enrollment.recordDenial({ origin: originOf(request), claimId, step, error });
    throw error;
  }
}

function claimOf(request: DeviceRequest): Extract<DeviceRequest["principal"], { kind: "claim" }> {
  if (request.principal.kind === "claim") return request.principal;
  throw new Fault(
    "claim_template_refused",
    "This operation needs a claim; the connection presented a device certificate.",
  );
}

function originOf(request: DeviceRequest): Origin {
  const { principal, clientId, remoteAddress } = request;
  const id = principal.kind === "claim" ? principal.claimId : (principal.thingName ?? principal.certificateId);
  const flow = principal.kind === "claim" ? "claim" : "renewal";
  return { flow, front: "aws-mqtt", clientId, remoteAddress, principal: { kind: principal.kind, id } };
}
