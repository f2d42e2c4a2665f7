// Runs the leak scenarios against a server with a planted mistake, to prove that they can fail. The mistake is written into the
// module as it is loaded; if the module no longer holds the text it replaces, this says so instead of proving nothing.
import { registerHooks } from "node:module";

interface Replacement {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const PUBLISH_TO_ALL =
  "accept(connection.context, { topic, payload, qos: 1, retain: false, properties: {}, expiresAtMs: undefined }, undefined);";
const IMPORT: Replacement = {
  file: "broker/reserved-queue.ts",
  from: "\nexport class ReservedQueue",
  to: '\nimport { accept } from "./context.ts";\nexport class ReservedQueue',
};
const REPLY = 'if (connection.state !== "open") return;\n  const { delivery, session }';

/** The server keeps answer topics out of the tree that messages are routed by, so that there are two locks to break. */
const ROUTED: readonly Replacement[] = ["add", "remove"].map((verb) => ({
  file: "broker/subscriptions.ts",
  from: `else if (!isReserved(filter)) this.#tree.${verb}(filter, entry)`,
  to: `else this.#tree.${verb}(filter, entry)`,
}));

const MUTATIONS: Readonly<Record<string, readonly Replacement[]>> = {
  // The answer is published like any message: as a general broker would do it.
  "broker-wide-publish": [
    IMPORT,
    ...ROUTED,
    { file: IMPORT.file, from: REPLY, to: `${PUBLISH_TO_ALL} return;\n  const { delivery, session }` },
  ],
  // A claim's session outlives its connection, and keeps the answer for whoever comes next.
  "shared-claim-session": [
    IMPORT,
    ...ROUTED,
    {
      file: IMPORT.file,
      from: REPLY,
      to: `if (connection.opened.session.durable) { ${PUBLISH_TO_ALL} return; }\n  const { delivery, session }`,
    },
    {
      file: "broker/accept-connect.ts",
      from: 'admitted.principal.kind === "claim" ? 0 : grantedExpiry(asked, context.limits)',
      to: "grantedExpiry(asked, context.limits)",
    },
  ],
};

const wanted = MUTATIONS[process.env["FLEETMINT_MUTATION"] ?? ""] ?? [];
const applied = new Set<Replacement>();

registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    const here = wanted.filter(({ file }) => url.endsWith(`/server/src/${file}`));
    if (here.length === 0) return loaded;
    let source = String(loaded.source);
    for (const replacement of here) {
      if (!source.includes(replacement.from)) throw new Error(`${url} no longer holds: ${replacement.from}`);
      source = source.replace(replacement.from, () => replacement.to);
      applied.add(replacement);
    }
    return { ...loaded, source };
  },
});

const { SCENARIOS, startScene } = await import("./leak-scenarios.ts");
if (applied.size !== wanted.length || wanted.length === 0) throw new Error("The planted mistake is not in the server.");

const scene = await startScene();
const found: Record<string, readonly string[]> = {};
for (const { name, run } of SCENARIOS) {
  found[name] = await run(scene);
}
await scene.world.close();
process.stdout.write(JSON.stringify(found));
