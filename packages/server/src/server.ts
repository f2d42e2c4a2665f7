// The composition root: the only file that knows every adapter. Reads top-down as the server is built: store, keys, certificate
// authority, enrollment, fronts, listeners.
import { createPublicKey } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { isIPv6 } from "node:net";
import { rsaKeyPool } from "@fleetmint/pki";
import { createAdministration } from "./administration.ts";
import { refuseRollback } from "./audit/rollback.ts";
import { startSequencer } from "./audit/sequencer.ts";
import { createBroker } from "./broker/broker.ts";
import type { ConnectionEvents } from "./broker/ports.ts";
import { type CertificateAuthority, createAuthority } from "./ca/authority.ts";
import { createAdmission } from "./enrollment/admission.ts";
import { createClaimGuard } from "./enrollment/claim-guard.ts";
import { createClaims } from "./enrollment/claims.ts";
import { createDeviceAuthorizer } from "./enrollment/device-authorizer.ts";
import { createEnrollment } from "./enrollment/enrollment.ts";
import { createTemplateCatalog } from "./enrollment/template-catalog.ts";
import { createTemplateService } from "./enrollment/template-service.ts";
import { type AdminApi, createAdminApi } from "./fronts/admin-api/index.ts";
import { createAwsMqttFront } from "./fronts/aws-mqtt/aws-mqtt-front.ts";
import { createHooks } from "./hooks/pre-provisioning.ts";
import { type UnlockedInstallation, unlock } from "./installation.ts";
import { type Clock, systemClock } from "./kit/clock.ts";
import { createEgress } from "./kit/egress.ts";
import { type Log, silentLog } from "./kit/log.ts";
import { type Random, systemRandom } from "./kit/random.ts";
import { listenFault } from "./listen-fault.ts";
import { repeat } from "./repeat.ts";
import { serverCredentials } from "./server-certificate.ts";
import { lockDataFolder, openDataFolder, writeFileDurably } from "./settings/data-folder.ts";
import { readSettings, type Settings } from "./settings/settings.ts";
import { openSqliteStore, type SqliteStore } from "./store/sqlite/open-sqlite-store.ts";

export interface ServerOptions {
  readonly folder: string;
  /** Flags; the environment and fleetmint.yaml are read beneath them. */
  readonly settings?: Readonly<Partial<Record<keyof Settings, unknown>>>;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly log?: Log;
}

export interface RunningServer {
  readonly host: string;
  readonly mqttPort: number;
  readonly httpPort: number;
  /** The CA that devices and administrators trust. */
  readonly caFile: string;
  /** The store, for tests that look beneath the doors. */
  readonly store: SqliteStore;
  /** Ends connections, lets writes finish, signs a last checkpoint. Idempotent. */
  close(): Promise<void>;
}

const HOUR_MS = 3600_000;
const SWEEP_MS = 60_000;
const SWEEP_SLICE = 500;
/** RSA keys made ahead; at 50 ms each they are gone and back within a second. */
const RSA_KEYS_READY = 8;

/** Starts a server on an initialized data folder and resolves when its listeners accept connections. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const folder = openDataFolder(options.folder);
  const settings = readSettings({
    flags: options.settings ?? {},
    environment: options.environment ?? {},
    folder: folder.path,
  });
  const ports = {
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom(),
    log: options.log ?? silentLog,
  };
  await using stack = new AsyncDisposableStack();
  stack.use(lockDataFolder(folder));
  const installation = unlock(ports.random, folder.path, settings.caPassphraseFile);
  const store = stack.use(
    await openSqliteStore({
      file: folder.database,
      ...ports,
      sealingKey: installation.keyRing.derive("store secrets"),
    }),
  );
  await refuseOldCopy(installation, store);
  const server = await compose({ ...ports, settings, installation, store }, stack);
  // Defined last, removed first: who finds the file may expect an answer.
  stack.defer(() => rmSync(folder.serving, { force: true }));
  writeFileDurably(folder.serving, `${JSON.stringify({ ...server.addresses, pid: process.pid }, null, 2)}\n`);
  const running = stack.move();
  let closing: Promise<void> | undefined;
  return {
    ...server.addresses,
    store,
    close() {
      closing ??= running.disposeAsync();
      return closing;
    },
  };
}

/** Somebody who puts an old copy of the database back brings back old quotas; the checkpoint beside it tells. */
async function refuseOldCopy({ folder, auditKey }: UnlockedInstallation, store: SqliteStore): Promise<void> {
  if (!existsSync(folder.checkpoint)) return;
  await refuseRollback(store, readFileSync(folder.checkpoint, "utf8"), createPublicKey(auditKey));
}

interface Parts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly settings: Settings;
  readonly installation: UnlockedInstallation;
  readonly store: SqliteStore;
}

/** What is registered on the stack last is closed first: listeners before what they use. */
async function compose(parts: Parts, stack: AsyncDisposableStack) {
  const { clock, log, settings, installation, store } = parts;
  const ca = await composeAuthority(parts, stack);
  const sequencer = await startSequencer({
    store,
    clock,
    log,
    origin: installation.origin,
    privateKey: installation.auditKey,
    // Beside the database, so that a restore finds what the backup cannot know.
    publish: (note) => writeFileDurably(installation.folder.checkpoint, note, 0o644),
  });
  stack.defer(() => sequencer.close());
  const { enrollment, claims, templates } = composeEnrollment(parts, ca, stack);
  await templates.startHooks();

  const credentials = await serverCredentials({ clock, ca, ledger: store, installation });
  const admission = createAdmission({ clock, store, enrollment, deviceAuthorizer: createDeviceAuthorizer(clock) });
  const broker = await createBroker(
    {
      admission,
      changes: store.changes,
      reserved: createAwsMqttFront({ enrollment, log }),
      sessions: store.sessions,
      retained: store.retained,
      events: connectionEvents(parts),
      clock,
      random: parts.random,
      log,
    },
    { tls: { key: credentials.keyPem, cert: credentials.certificateChainPem } },
  );
  stack.defer(() => broker.close());
  let ready = false;
  const admin = createAdminApi(createAdministration({ ...parts, claims, templates, isReady: () => ready }), {
    tls: { certificate: credentials.certificateChainPem, privateKey: credentials.keyPem },
  });
  stack.defer(() => admin.close());

  stack.defer(
    repeat(clock, log, {
      everyMs: SWEEP_MS,
      run: async () => void (await store.expirePending(clock.now(), SWEEP_SLICE)),
    }),
  );
  stack.defer(
    repeat(clock, log, { everyMs: HOUR_MS, run: () => renewServerCertificate(parts, { ca, admin, broker }) }),
  );
  const addresses = await listen(settings, { broker, admin, caFile: installation.folder.caCertificate });
  ready = true;
  stack.defer(() => {
    ready = false;
  });
  return { addresses };
}

async function composeAuthority(parts: Parts, stack: AsyncDisposableStack): Promise<CertificateAuthority> {
  const { clock, settings, installation, store } = parts;
  const rsaKeys = rsaKeyPool({ size: RSA_KEYS_READY });
  stack.defer(() => rsaKeys.close());
  return createAuthority({
    clock,
    ledger: store,
    issuer: installation.issuer(await store.epoch()),
    signer: installation.issuingSigner,
    rsaKeys,
    rootPem: installation.rootPem,
    issuingPem: installation.issuingPem,
    lastIssuedAtMs: settings.acceptClock ? 0 : await store.newestIntentAtMs(),
  });
}

function composeEnrollment(parts: Parts, ca: CertificateAuthority, stack: AsyncDisposableStack) {
  const { clock, random, log, settings, installation, store } = parts;
  const egress = createEgress({ allowPrivateNetworks: settings.hookNetworks, clock });
  mkdirSync(installation.folder.hooks, { recursive: true, mode: 0o700 });
  const hooks = createHooks(
    { egress, clock, random, log },
    { folder: installation.folder.hooks, environment: process.env },
  );
  stack.defer(() => hooks.close());
  const catalog = createTemplateCatalog(store);
  const guard = createClaimGuard(clock);
  const arnPrefix = `arn:aws:iot:${settings.awsRegion}:${settings.awsAccountId}`;
  const enrollment = createEnrollment({
    clock,
    random,
    log,
    ca,
    claims: store,
    store,
    templates: catalog,
    guard,
    hooks,
    arnPrefix,
    events: store,
    registry: store,
  });
  const claims = createClaims({ clock, random, ca, claims: store, templates: store, guard });
  const templates = createTemplateService({ clock, random, log, store, catalog, hooks, arnPrefix });
  return { enrollment, claims, templates };
}

/** Refusals and takeovers become events; who merely comes and goes does not. */
function connectionEvents({ clock, log, store }: Parts): ConnectionEvents {
  return {
    connected() {},
    disconnected() {},
    refused(admitted, request, code, message) {
      store
        .saveEvent({
          atMs: clock.now(),
          kind: code === "session_taken_over" ? "session.taken_over" : "connection.refused",
          reason: code,
          message,
          certificateId: admitted?.certificateId,
          claimId: admitted?.claimId,
          thingName: admitted?.thingName,
          clientId: "clientId" in request ? request.clientId : undefined,
          remoteAddress: request.remoteAddress,
        })
        .catch((error: unknown) => log.warn("An event could not be recorded.", { error }));
    },
  };
}

async function renewServerCertificate(
  parts: Parts,
  served: { ca: CertificateAuthority; admin: AdminApi; broker: Awaited<ReturnType<typeof createBroker>> },
): Promise<void> {
  const { clock, store, installation } = parts;
  const { keyPem, certificateChainPem } = await serverCredentials({
    clock,
    ca: served.ca,
    ledger: store,
    installation,
  });
  served.admin.replaceCertificate({ certificate: certificateChainPem, privateKey: keyPem });
  served.broker.setSecureContext({ key: keyPem, cert: certificateChainPem });
}

interface Listeners {
  readonly broker: Awaited<ReturnType<typeof createBroker>>;
  readonly admin: AdminApi;
  readonly caFile: string;
}

async function listen(settings: Settings, listeners: Listeners) {
  const { host } = settings;
  const mqtt = { host, port: settings.mqttPort, flag: "--mqtt-port" } as const;
  const http = { host, port: settings.httpPort, flag: "--http-port" } as const;
  const { port: mqttPort } = await listeners.broker.listen(mqtt.port, host).catch((error: unknown) => {
    throw listenFault(error, mqtt);
  });
  const httpPort = await listeners.admin.listen(http.port, host).catch((error: unknown) => {
    throw listenFault(error, http);
  });
  return { host: isIPv6(host) ? `[${host}]` : host, mqttPort, httpPort, caFile: listeners.caFile };
}
