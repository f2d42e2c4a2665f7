// What an operator may set, read once: flags first, then FLEETMINT_* variables, then fleetmint.yaml in the data folder. All faults
// are reported together, each by the name that the operator wrote.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse as parseYaml } from "yaml";
import { z } from "zod";
import { Fault } from "../kit/fault.ts";

const port = z.coerce.number().int().min(0).max(65_535);

const SCHEMA = z.strictObject({
  host: z.string().min(1).default("127.0.0.1"),
  mqttPort: port.default(8883),
  httpPort: port.default(8443),
  readyFile: z.string().min(1).optional(),
  caPassphraseFile: z.string().min(1).optional(),
  /** The clock is right although certificates were issued at later times: a clock that was ahead has been corrected. */
  acceptClock: z.union([z.boolean(), z.stringbool()]).default(false),
  awsRegion: z
    .string()
    .regex(/^[a-z0-9-]{1,32}$/, "must look like us-east-1")
    .default("us-east-1"),
  awsAccountId: z
    .string()
    .regex(/^\d{12}$/, "must have 12 digits")
    .default("000000000000"),
  logLevel: z.enum(["info", "warn", "error", "silent"]).default("info"),
  /** Private networks that hooks may call, as CIDRs. */
  hookNetworks: z
    .union([z.array(z.string()), z.string().transform((text) => text.split(/[\s,]+/).filter(Boolean))])
    .default([]),
  workers: z.coerce.number().int().min(1).default(1),
  store: z.string().optional(),
  bus: z.string().optional(),
});

export type Settings = z.infer<typeof SCHEMA>;
export type SettingName = keyof Settings;

export interface SettingSources {
  readonly flags: Readonly<Record<string, unknown>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The data folder, where fleetmint.yaml may lie. */
  readonly folder: string;
}

/** Reads all sources; throws one Fault (request_invalid) that lists every mistake. */
export function readSettings(sources: SettingSources): Settings {
  const merged = { ...fromFile(sources.folder), ...fromEnvironment(sources.environment), ...defined(sources.flags) };
  const result = SCHEMA.safeParse(merged);
  if (!result.success) {
    const faults = result.error.issues.map((issue) =>
      issue.code === "unrecognized_keys"
        ? `unknown setting ${issue.keys.join(", ")} (known: ${Object.keys(SCHEMA.shape).join(", ")})`
        : `${issue.path.join(".")}: ${issue.message}`,
    );
    throw new Fault(
      "request_invalid",
      `The settings have ${faults.length === 1 ? "a mistake" : "mistakes"}: ${faults.join("; ")}.`,
    );
  }
  refuseWhatIsNotBuilt(result.data);
  return result.data;
}

/** Several processes need a shared store and a shared bus; with the embedded store one process is all there is. */
function refuseWhatIsNotBuilt(settings: Settings): void {
  const wanted = [
    settings.store === undefined ? undefined : "--store",
    settings.bus === undefined ? undefined : "--bus",
    settings.workers > 1 ? "--workers" : undefined,
  ].filter((name) => name !== undefined);
  if (wanted.length === 0) return;
  throw new Fault(
    "request_invalid",
    `${wanted.join(" and ")} cannot be used: this release runs one process on its embedded store. Leave ${wanted.length > 1 ? "them" : "it"} out.`,
  );
}

function fromFile(folder: string): Record<string, unknown> {
  const file = join(folder, "fleetmint.yaml");
  if (!existsSync(file)) return {};
  let content: unknown;
  try {
    content = parseYaml(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new Fault("request_invalid", `${file} is not YAML: ${(cause as Error).message}`, { cause });
  }
  if (content === null || content === undefined) return {};
  if (typeof content !== "object" || Array.isArray(content))
    throw new Fault("request_invalid", `${file} must be a map of settings.`);
  return content as Record<string, unknown>;
}

/** FLEETMINT_MQTT_PORT is mqttPort. Names that are no setting belong to other commands. */
function fromEnvironment(environment: Readonly<Record<string, string | undefined>>): Record<string, unknown> {
  const entries = Object.keys(SCHEMA.shape).flatMap((name) => {
    const value = environment[`FLEETMINT_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`];
    return value === undefined || value === "" ? [] : [[name, value] as const];
  });
  return Object.fromEntries(entries);
}

function defined(flags: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
}
