// Which folder may import which, as one table. Runs as an ordinary test (check-layers.test.ts), so a breach is a sentence:
// `packages/server/src/ca/x.ts: ca must not import fronts (../fronts/est/y.ts)`.
import { globSync, readFileSync } from "node:fs";
import { posix } from "node:path";

const IMPORT =
  /^\s*(?:import|export)\b[^"';]*?\bfrom\s*["']([^"']+)["']|^\s*import\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/gm;

/** What every folder of the server may import beside its row. */
const EVERYWHERE = ["vocabulary"];

/** The longest matching path prefix decides. Package names are written `@fleetmint/…`. */
export const LAYERS: Readonly<Record<string, readonly string[]>> = {
  "packages/wire": [],
  "packages/mqtt": [],
  "packages/pki": [],
  "packages/sdk": ["@fleetmint/wire"],
  "packages/agent": ["@fleetmint/wire", "@fleetmint/mqtt", "@fleetmint/pki"],
  "packages/cli": ["@fleetmint/sdk", "@fleetmint/wire", "@fleetmint/server"],
  "packages/testkit": ["*"],
  "packages/server/src/vocabulary": [],
  "packages/server/src/kit": [],
  "packages/server/src/settings": ["kit"],
  "packages/server/src/audit": ["kit"],
  "packages/server/src/policies": ["kit"],
  "packages/server/src/templates": ["kit"],
  "packages/server/src/hooks": ["kit"],
  "packages/server/src/access": ["kit", "audit"],
  "packages/server/src/ca": ["kit", "audit", "registry/ports.ts", "@fleetmint/pki"],
  "packages/server/src/registry": ["kit", "audit", "policies"],
  "packages/server/src/enrollment": [
    "ca",
    "registry",
    "templates",
    "hooks",
    "policies",
    "audit",
    "kit",
    "@fleetmint/pki",
  ],
  "packages/server/src/fronts/aws-mqtt": ["enrollment", "kit", "@fleetmint/wire", "@fleetmint/pki"],
  "packages/server/src/fronts/admin-api": [
    "enrollment",
    "registry",
    "ca",
    "templates",
    "hooks",
    "policies",
    "audit",
    "access",
    "kit",
    "@fleetmint/wire",
    "@fleetmint/pki",
  ],
  "packages/server/src/broker": ["policies", "kit", "@fleetmint/mqtt", "@fleetmint/pki"],
  // Adapters see the ports, the types that ports name, and the audit's leaf code.
  "packages/server/src/store": [
    "kit",
    "audit",
    "templates/plan.ts",
    "hooks/ports.ts",
    "ca/ports.ts",
    "registry/ports.ts",
    "enrollment/ports.ts",
    "access/ports.ts",
    "broker/ports.ts",
    "broker/memory-stores.ts",
    "@fleetmint/pki",
  ],
  // The composition root and what surrounds it.
  "packages/server/src": ["*"],
};

const SERVER = "packages/server/src/";

export function checkLayers(root: string, layers: Readonly<Record<string, readonly string[]>> = LAYERS): string[] {
  return globSync("packages/*/src/**/*.ts", { cwd: root })
    .filter((file) => !/\.(test|deep|bench)\.ts$/.test(file))
    .flatMap((file) => breachesOf(file, readFileSync(`${root}/${file}`, "utf8"), layers));
}

/** The forbidden imports of one file; exported so that a test can plant one. */
export function breachesOf(
  file: string,
  text: string,
  layers: Readonly<Record<string, readonly string[]>> = LAYERS,
): string[] {
  const layer = layerOf(file, layers);
  if (layer === undefined) return [`${file}: no row of the layer table matches this folder`];
  const allowed = [...(layers[layer] ?? []), ...EVERYWHERE];
  return [...text.matchAll(IMPORT)]
    .map(([, from, bare, dynamic]) => (from ?? bare ?? dynamic)!)
    .filter((specifier) => !mayImport({ file, layer, allowed }, specifier))
    .map(
      (specifier) => `${file}: ${nameOf(layer)} must not import ${nameOf(targetOf(file, specifier))} (${specifier})`,
    );
}

function mayImport(from: { file: string; layer: string; allowed: readonly string[] }, specifier: string): boolean {
  if (from.allowed.includes("*")) return true;
  if (specifier.startsWith("@fleetmint/")) {
    return from.allowed.includes(specifier.split("/").slice(0, 2).join("/"));
  }
  if (!specifier.startsWith(".")) return true;
  const target = targetOf(from.file, specifier);
  if (target.startsWith(`${from.layer}/`) || posix.dirname(target) === from.layer) return true;
  if (!target.startsWith(SERVER)) return false;
  const inServer = target.slice(SERVER.length);
  return from.allowed.some((row) => inServer === row || inServer.startsWith(`${row}/`));
}

function targetOf(file: string, specifier: string): string {
  return specifier.startsWith(".") ? posix.join(posix.dirname(file), specifier) : specifier;
}

function layerOf(file: string, layers: Readonly<Record<string, readonly string[]>>): string | undefined {
  return Object.keys(layers)
    .filter((layer) => file.startsWith(`${layer}/`))
    .sort((a, b) => b.length - a.length)[0];
}

function nameOf(path: string): string {
  return path.startsWith(SERVER) ? path.slice(SERVER.length) : path.replace(/^packages\//, "");
}
