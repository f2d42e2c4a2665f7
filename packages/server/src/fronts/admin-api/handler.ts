import type { Checked, OperationName, Operations, Output } from "@fleetmint/wire/v1";
import type { Actor, AdminPorts } from "./ports.ts";

/** A checked request with who asks. */
export interface Call<Name extends OperationName> extends Checked<Name> {
  readonly actor: Actor;
}

/** One JSON value, or the lines of a stream where the operation says so. */
export type Answer<Name extends OperationName> = Operations[Name] extends { readonly lines: true }
  ? AsyncIterable<string>
  : Output<Name>;

export type Handlers = {
  readonly [Name in OperationName]: (ports: AdminPorts, call: Call<Name>) => Promise<Answer<Name>>;
};
