import type { z } from "zod";
import { attemptOperations } from "./attempts.ts";
import { certificateOperations } from "./certificates.ts";
import { claimOperations } from "./claims.ts";
import { installationOperations } from "./installation.ts";
import { policyOperations } from "./policies.ts";
import { templateOperations } from "./templates.ts";
import { thingOperations } from "./things.ts";

/** Everything that the admin API can do, by name. Server, client and reference are made from this table. */
export const operations = {
  ...thingOperations,
  ...claimOperations,
  ...templateOperations,
  ...policyOperations,
  ...certificateOperations,
  ...attemptOperations,
  ...installationOperations,
};

export type Operations = typeof operations;
export type OperationName = keyof Operations;

export const OPERATION_NAMES: readonly OperationName[] = Object.keys(operations) as OperationName[];

type Key = "params" | "query" | "body";

type Sent<Name extends OperationName, Part extends Key> = Operations[Name] extends {
  readonly [K in Part]: infer Schema extends z.ZodObject;
}
  ? z.input<Schema>
  : unknown;

type Received<Name extends OperationName, Part extends Key> = Operations[Name] extends {
  readonly [K in Part]: infer Schema extends z.ZodObject;
}
  ? z.output<Schema>
  : Record<never, never>;

type Flat<T> = { [K in keyof T]: T[K] };

/** What a caller sends: path, query and body fields side by side. */
export type Input<Name extends OperationName> = Flat<Sent<Name, "params"> & Sent<Name, "query"> & Sent<Name, "body">>;

/** What the server works with, once checked and with defaults filled in. */
export interface Checked<Name extends OperationName> {
  readonly params: Received<Name, "params">;
  readonly query: Received<Name, "query">;
  readonly body: Received<Name, "body">;
}

/** What it answers: one JSON value, or each line of a stream. */
export type Output<Name extends OperationName> = z.output<Operations[Name]["response"]>;
