// Templates of the shapes that public repositories hold, written for these tests.
import { evaluate } from "../evaluate.ts";
import { parseTemplate } from "../parse-template.ts";
import type { Plan } from "../plan.ts";

export const CERTIFICATE_ID = "ab".repeat(32);

export const CERTIFICATE = {
  Type: "AWS::IoT::Certificate",
  Properties: { CertificateId: { Ref: "AWS::IoT::Certificate::Id" }, Status: "Active" },
};

export const THING = {
  Type: "AWS::IoT::Thing",
  Properties: { ThingName: { "Fn::Join": ["", ["pump-", { Ref: "SerialNumber" }]] } },
};

export const PARAMETERS = { SerialNumber: { Type: "String" }, "AWS::IoT::Certificate::Id": { Type: "String" } };

/** The smallest template that makes a thing. */
export const SIMPLE = { Parameters: PARAMETERS, Resources: { thing: THING, certificate: CERTIFICATE } };

/** Everything at once: mappings, device configuration, overrides, groups, two policies. */
export const COMPLETE = {
  Parameters: { ...PARAMETERS, DeviceLocation: { Type: "String", Default: "Oslo" } },
  Mappings: { Locations: { Oslo: { Url: "https://oslo.example" }, Rome: { Url: "https://rome.example" } } },
  Resources: {
    thing: {
      Type: "AWS::IoT::Thing",
      Properties: {
        ThingName: { "Fn::Join": ["-", ["pump", { Ref: "SerialNumber" }]] },
        ThingTypeName: "pump",
        ThingGroups: ["v1-pumps", { Ref: "DeviceLocation" }],
        AttributePayload: { version: "v1", serialNumber: { Ref: "SerialNumber" }, place: { Ref: "DeviceLocation" } },
        BillingGroup: "fleet",
      },
      OverrideSettings: { AttributePayload: "MERGE", ThingTypeName: "REPLACE", ThingGroups: "FAIL" },
    },
    certificate: {
      ...CERTIFICATE,
      Properties: { ...CERTIFICATE.Properties, ThingPrincipalType: "EXCLUSIVE_THING" },
      OverrideSettings: { Status: "REPLACE" },
    },
    byName: { Type: "AWS::IoT::Policy", Properties: { PolicyName: "pumps" } },
    byDocument: {
      Type: "AWS::IoT::Policy",
      Properties: {
        PolicyDocument: {
          Version: "2012-10-17",
          Statement: [
            {
              Effect: "Allow",
              Action: ["iot:Publish"],
              Resource: [
                { "Fn::Join": ["", ["arn:aws:iot:us-east-1:123456789012:topic/dt/", { Ref: "SerialNumber" }, "/*"]] },
              ],
              Condition: { Bool: { "iot:Connection.Thing.IsAttached": ["true"] } },
            },
          ],
        },
      },
    },
  },
  DeviceConfiguration: {
    FallbackUrl: "https://example.com",
    LocationUrl: { "Fn::FindInMap": ["Locations", { Ref: "DeviceLocation" }, "Url"] },
  },
};

export interface Given {
  readonly parameters?: Readonly<Record<string, string>>;
  readonly overrides?: Readonly<Record<string, string>>;
  readonly clientId?: string;
}

export function plan(template: object, { parameters = {}, overrides = {}, clientId }: Given = {}): Plan {
  return evaluate(parseTemplate(JSON.stringify(template)), {
    deviceParameters: new Map(Object.entries(parameters)),
    hookOverrides: new Map(Object.entries(overrides)),
    clientId,
    certificateId: CERTIFICATE_ID,
    settings: { serialParameter: "SerialNumber" },
  });
}

/** A template whose only interesting part is one value, read back from the device configuration. */
export function evaluated(expression: unknown, given: Given = {}, more: object = {}): string | undefined {
  const template = { Resources: { certificate: CERTIFICATE }, DeviceConfiguration: { value: expression }, ...more };
  return plan(template, given).deviceConfiguration["value"];
}
