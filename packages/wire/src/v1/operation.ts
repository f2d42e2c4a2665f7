import type { z } from "zod";

/** One operation. Path, query and body fields never share a name, so that a client can take them side by side. */
export interface Operation {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Path under the origin, parameters in braces: `/v1/things/{thingName}`. */
  readonly path: string;
  /** One line, imperative, without a full stop. */
  readonly summary: string;
  /** What it does, its limits and what it refuses, in sentences. */
  readonly description: string;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  /** A JSON object. Absent: the operation takes no body. */
  readonly body?: z.ZodObject;
  /** Of the JSON answer, or of each line where `lines` is set. */
  readonly response: z.ZodType;
  /** Set where the answer is a stream of `application/x-ndjson` lines instead of one JSON value. */
  readonly lines?: true;
  /** Status of success; 200 unless told. */
  readonly status?: 200 | 201;
  /** Reason codes it may answer with, beside those that every operation has (`COMMON_ERRORS`). */
  readonly errors: readonly string[];
}

/** Every operation may answer with these. */
export const COMMON_ERRORS = [
  "request_invalid",
  "unauthenticated",
  "forbidden",
  "store_unavailable",
  "internal_error",
] as const;

/** Keeps the exact schema types of one operation. */
export function operation<const Definition extends Operation>(definition: Definition): Definition {
  return definition;
}
