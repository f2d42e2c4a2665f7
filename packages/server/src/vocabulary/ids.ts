// Branded ids: a bare string does not pass for a name that was checked.

type Brand<Name extends string> = string & { readonly __brand: Name };

/** Lower-case hexadecimal SHA-256 of the certificate's DER, 64 characters. */
export type CertificateId = Brand<"CertificateId">;
/** Lower-case hexadecimal of the certificate's serial number without leading zeros. */
export type SerialNumber = Brand<"SerialNumber">;
/** AWS's pattern: 1–128 of `[a-zA-Z0-9:_-]`. */
export type ThingName = Brand<"ThingName">;
export type ThingTypeName = Brand<"ThingTypeName">;
export type GroupName = Brand<"GroupName">;
/** 1–128 of `[\w+=,.@-]`. */
export type PolicyName = Brand<"PolicyName">;
/** 1–36 of `[0-9A-Za-z_-]`. */
export type TemplateName = Brand<"TemplateName">;
export type ClaimId = Brand<"ClaimId">;
export type AttemptId = Brand<"AttemptId">;
export type AccountId = Brand<"AccountId">;

export const THING_NAME_PATTERN: RegExp = /^[a-zA-Z0-9:_-]{1,128}$/;
export const POLICY_NAME_PATTERN: RegExp = /^[\w+=,.@-]{1,128}$/;
export const TEMPLATE_NAME_PATTERN: RegExp = /^[0-9A-Za-z_-]{1,36}$/;
export const ATTRIBUTE_NAME_PATTERN: RegExp = /^[a-zA-Z0-9_.,@/:#-]{1,128}$/;
export const ATTRIBUTE_VALUE_PATTERN: RegExp = /^[a-zA-Z0-9_.,@/:#-]{0,800}$/;
