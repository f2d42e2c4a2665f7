import type { OverrideRule } from "./plan.ts";

/** A template body, read and checked. Evaluating it never looks at text again. */
export interface Template {
  readonly parameters: ReadonlyMap<string, Parameter>;
  readonly mappings: ReadonlyMap<string, Mapping>;
  readonly thing: ThingResource | undefined;
  readonly certificate: CertificateResource;
  readonly policies: readonly PolicyResource[];
  readonly deviceConfiguration: ReadonlyMap<string, Expression>;
}

export interface Parameter {
  readonly name: string;
  readonly defaultValue: string | undefined;
}

/** First key → second key → value. */
export type Mapping = ReadonlyMap<string, ReadonlyMap<string, string | readonly string[]>>;

interface Resource {
  readonly logicalName: string;
  readonly path: string;
}

export interface ThingResource extends Resource {
  readonly name: Expression;
  readonly typeName: Expression | undefined;
  readonly attributes: ReadonlyMap<string, Expression>;
  readonly groups: Expression | undefined;
  readonly billingGroup: Expression | undefined;
  readonly override: Readonly<Record<"attributes" | "typeName" | "groups", OverrideRule>>;
}

export interface CertificateResource extends Resource {
  readonly certificateId: Expression;
  readonly status: Expression | undefined;
  readonly principalType: Expression | undefined;
}

export interface PolicyResource extends Resource {
  /** Exactly one of the two. */
  readonly name: Expression | undefined;
  readonly document: Expression | undefined;
}

/** A value in the template. `path` is its JSON pointer, for messages. */
export type Expression =
  | { readonly kind: "text"; readonly path: string; readonly text: string }
  | { readonly kind: "scalar"; readonly path: string; readonly value: number | boolean | null }
  | { readonly kind: "list"; readonly path: string; readonly items: readonly Expression[] }
  | { readonly kind: "object"; readonly path: string; readonly members: ReadonlyMap<string, Expression> }
  | Call;

export type Call =
  | { readonly kind: "Ref"; readonly path: string; readonly name: string }
  | { readonly kind: "Fn::Join"; readonly path: string; readonly delimiter: Expression; readonly values: Expression }
  | { readonly kind: "Fn::Select"; readonly path: string; readonly index: Expression; readonly values: Expression }
  | { readonly kind: "Fn::Split"; readonly path: string; readonly delimiter: Expression; readonly source: Expression }
  | {
      readonly kind: "Fn::FindInMap";
      readonly path: string;
      readonly keys: readonly [Expression, Expression, Expression];
    }
  | {
      readonly kind: "Fn::Sub";
      readonly path: string;
      /** Literal pieces and the names between them. */
      readonly pieces: readonly ({ readonly text: string } | { readonly name: string })[];
      readonly values: ReadonlyMap<string, Expression>;
    };

/** Something the linter has to say. Errors keep a template from being applied; warnings do not. */
export interface Finding {
  readonly severity: "error" | "warning";
  /** JSON pointer (RFC 6901) of the place. */
  readonly path: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly remedy: string;
}

export interface LintOptions {
  /** Judges a policy document that stands in the template as it is; throws a Fault that says what is wrong. */
  readonly checkPolicy?: (document: unknown) => void;
}

/** The only name that every template may refer to without declaring it. */
export const CERTIFICATE_ID_PARAMETER = "AWS::IoT::Certificate::Id";
