import type { Egress } from "../kit/egress.ts";
import { EgressError } from "../kit/egress-error.ts";
import { Fault } from "../kit/fault.ts";
import { LIMITS } from "../kit/limits.ts";
import type { TemplateName } from "../vocabulary/ids.ts";
import { handlerEnvironment } from "./handler-environment.ts";
import { removeLeftovers, writeHandlerFiles } from "./handler-files.ts";
import { HandlerPool, type PoolPorts } from "./handler-pool.ts";
import { parseHookConfig } from "./hook-config.ts";
import { HOOK_LIMITS } from "./hook-limits.ts";
import type { Hook, HookConfig, HookDecision, HookRequest } from "./ports.ts";
import { createWebhook } from "./webhook.ts";

export interface HooksPorts extends PoolPorts {
  readonly egress: Egress;
}

export interface HooksSettings {
  /** Where handlers' private folders are made, this server's own; the system's temporary folder unless said otherwise. */
  readonly folder?: string;
  /** A folder of npm packages (a `node_modules`) that handlers may import, as Lambda offers the AWS SDK. */
  readonly modulesFolder?: string;
  /** Names of the server's environment variables that handlers see. */
  readonly passEnvironment?: readonly string[];
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Per handler, 1–4. */
  readonly processes?: number;
  readonly requestsPerProcess?: number;
  readonly timeoutMs?: number;
  readonly heapMiB?: number;
  readonly residentMiB?: number;
}

export interface Hooks {
  /**
   * Starts a template's hook, replaces it, or ends it; the same configuration again changes nothing. Requests under way
   * finish with the hook they began with. A handler that does not load denies, and says so.
   * @throws Fault request_invalid naming the field; the hook in force stays.
   */
  configure(template: TemplateName, config: HookConfig | undefined): void;
  /** Tries a configuration without using it: a handler is loaded once. @throws Fault request_invalid with what is wrong. */
  check(config: unknown): Promise<HookConfig>;
  /** Resolves if the hook allows; every other end is a Fault. Without a hook nobody can allow: hook_failed. */
  decide(template: TemplateName, request: HookRequest): Promise<HookDecision>;
  close(): Promise<void>;
}

/** The hooks of all templates, each started once. */
export function createHooks(ports: HooksPorts, settings: HooksSettings = {}): Hooks {
  if (settings.folder !== undefined) removeLeftovers(settings.folder);
  const start = starter(ports, settings);
  const inForce = new Map<TemplateName, Started>();
  const all = new Set<Started>();
  const retire = (started: Started | undefined) => {
    if (started === undefined) return;
    started.retired = true;
    if (started.active === 0) void started.hook.close().then(() => all.delete(started));
  };
  return {
    configure(template, config) {
      const previous = inForce.get(template);
      const text = JSON.stringify(config);
      if (previous?.text === text) return;
      if (config === undefined) inForce.delete(template);
      else {
        const started: Started = { text, hook: start(template, parseHookConfig(config)), active: 0, retired: false };
        inForce.set(template, started);
        all.add(started);
      }
      retire(previous);
    },
    async check(value) {
      const config = parseHookConfig(value);
      const hook = start("check", config);
      const failure = hook instanceof HandlerPool ? await hook.started : undefined;
      await hook.close();
      if (failure !== undefined) throw new Fault("request_invalid", `hook.source does not load: ${failure}`);
      return config;
    },
    async decide(template, request) {
      const started = inForce.get(template);
      if (started === undefined) throw new Fault("hook_failed", `No hook is running for the template "${template}".`);
      started.active++;
      try {
        return await started.hook.decide(request);
      } finally {
        started.active--;
        if (started.retired) retire(started);
      }
    },
    async close() {
      inForce.clear();
      await Promise.all([...all].map((started) => started.hook.close()));
    },
  };
}

interface Started {
  readonly text: string | undefined;
  readonly hook: Hook;
  active: number;
  retired: boolean;
}

function starter(ports: HooksPorts, settings: HooksSettings): (name: string, config: HookConfig) => Hook {
  const environment = handlerEnvironment(settings.passEnvironment ?? [], settings.environment ?? process.env);
  const timeoutMs = settings.timeoutMs ?? LIMITS.hookTimeoutMs;
  return (name, config) => {
    if (config.kind === "webhook") {
      checkUrl(ports.egress, config.url);
      return createWebhook(ports, { url: config.url, secret: config.secret, timeoutMs });
    }
    const { folder: parent, modulesFolder } = settings;
    return new HandlerPool(ports, {
      files: writeHandlerFiles({ fileName: config.fileName, source: config.source, parent, modulesFolder }),
      functionName: name,
      environment,
      timeoutMs,
      heapMiB: settings.heapMiB ?? HOOK_LIMITS.heapMiB,
      residentMiB: settings.residentMiB ?? HOOK_LIMITS.residentMiB,
      processes: Math.min(settings.processes ?? HOOK_LIMITS.processes, HOOK_LIMITS.processes),
      requestsPerProcess: settings.requestsPerProcess ?? HOOK_LIMITS.requestsPerProcess,
    });
  };
}

function checkUrl(egress: Egress, url: string): void {
  try {
    egress.checkUrl(url);
  } catch (error) {
    if (!(error instanceof EgressError)) throw error;
    throw new Fault("request_invalid", `hook.url: ${error.message}`, { cause: error });
  }
}
