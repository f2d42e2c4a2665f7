import type { RegisterThingResponse } from "@fleetmint/wire";
import type { Redemption } from "../../enrollment/ports.ts";
import type { RedeemCommand } from "../../enrollment/redeem.ts";
import { Fault } from "../../kit/fault.ts";
import { type ClaimId, TEMPLATE_NAME_PATTERN, type TemplateName } from "../../vocabulary/ids.ts";
import { textField, textMapField } from "./fields.ts";

/** RegisterThing: `{certificateOwnershipToken, parameters?}` on the template's topic. */
export function readRegisterThing(
  fields: Readonly<Record<string, unknown>>,
  context: { readonly claimId: ClaimId; readonly clientId: string; readonly templateName: string },
): RedeemCommand {
  return {
    claimId: context.claimId,
    clientId: context.clientId,
    ownershipToken: textField(fields, "certificateOwnershipToken") ?? "",
    templateName: templateNameOf(context.templateName),
    parameters: textMapField(fields, "parameters"),
  };
}

/** `thingName` is absent when the template declares no thing, as on AWS. */
export function registerThingAnswer(redemption: Redemption): RegisterThingResponse {
  const { deviceConfiguration, thingName } = redemption;
  return thingName === undefined ? { deviceConfiguration } : { deviceConfiguration, thingName };
}

export function templateNameOf(text: string): TemplateName {
  if (!TEMPLATE_NAME_PATTERN.test(text))
    throw new Fault("template_unknown", "The topic's template name is not a name.");
  return text as TemplateName;
}
