// The real administration API over HTTPS with a fixed installation behind it. The client never depends on the server, so
// its tests load it by file and not as a package.
import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Input, OperationName } from "@fleetmint/wire/v1";

export interface StartedApi extends AsyncDisposable {
  readonly url: string;
  readonly token: string;
  readonly caPem: string;
  readonly caFile: string;
  /** What the domain was asked to do. */
  readonly calls: (readonly [string, unknown])[];
}

const FRONT = "../../server/src/fronts/admin-api";

/** A request for every operation that the installation grants. */
export const { EXAMPLES } = await load<{ EXAMPLES: { readonly [Name in OperationName]: Input<Name> } }>(
  "testing/example-requests.ts",
);

export async function startApi(): Promise<StartedApi> {
  const { fixedWorld } = await load<{ fixedWorld(): Pick<StartedApi, "token" | "calls"> & { ports: unknown } }>(
    "testing/fixed-world.ts",
  );
  const { testTlsIdentity } = await load<{ testTlsIdentity(): Promise<{ caPem: string }> }>("testing/tls-identity.ts");
  const { createAdminApi } = await load<{ createAdminApi(ports: unknown, settings: object): Api }>("index.ts");
  const tls = await testTlsIdentity();
  const world = fixedWorld();
  const api = createAdminApi(world.ports, { tls });
  const folder = await mkdtemp(join(tmpdir(), "fleetmint-sdk-"));
  const caFile = join(folder, "ca.pem");
  writeFileSync(caFile, tls.caPem);
  return {
    url: `https://127.0.0.1:${await api.listen(0, "127.0.0.1")}`,
    token: world.token,
    calls: world.calls,
    caPem: tls.caPem,
    caFile,
    async [Symbol.asyncDispose]() {
      await api.close();
      await rm(folder, { recursive: true });
    },
  };
}

interface Api {
  listen(port: number, host: string): Promise<number>;
  close(): Promise<void>;
}

async function load<Module>(file: string): Promise<Module> {
  return (await import(new URL(`${FRONT}/${file}`, import.meta.url).href)) as Module;
}
