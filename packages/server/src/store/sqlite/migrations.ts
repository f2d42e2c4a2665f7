// The schema's history, forward only. A release never changes a migration that was shipped; it adds one.
import { FIRST_SCHEMA } from "./migrations/0001-first-schema.ts";

/** SQL of each version; the first one makes version 1. */
export const MIGRATIONS: readonly string[] = [FIRST_SCHEMA];
