// What the administration API needs beyond claims and templates: revoking, backup, the doctor's checks, the audit export.
import { createPublicKey } from "node:crypto";
import { statfsSync, statSync } from "node:fs";
import { isAbsolute } from "node:path";
import { parseCertificate } from "@fleetmint/pki";
import { certificateRevoked } from "./audit/events.ts";
import { exportAudit } from "./audit/export.ts";
import type { Claims } from "./enrollment/claims.ts";
import type { TemplateService } from "./enrollment/template-service.ts";
import type { AdminPorts, DoctorCheck } from "./fronts/admin-api/index.ts";
import type { UnlockedInstallation } from "./installation.ts";
import type { Clock } from "./kit/clock.ts";
import { Fault } from "./kit/fault.ts";
import type { Log } from "./kit/log.ts";
import type { Random } from "./kit/random.ts";
import { tooOpen } from "./settings/data-folder.ts";
import type { SqliteStore } from "./store/sqlite/open-sqlite-store.ts";
import { describePrincipal } from "./vocabulary/principal.ts";

export interface AdministrationParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly store: SqliteStore;
  readonly installation: UnlockedInstallation;
  readonly claims: Claims;
  readonly templates: TemplateService;
  readonly isReady: () => boolean;
}

/** PRAGMA synchronous reads back as this when every commit is flushed. */
const FULL = 2;
const DAY_MS = 24 * 3600_000;
/** Below this a backup and a busy day may fill the disk. */
const LOW_DISK_BYTES = 1024 ** 3;

export function createAdministration(parts: AdministrationParts): AdminPorts {
  const { clock, random, log, store, installation, claims, templates, isReady } = parts;
  return {
    accounts: store,
    registry: store,
    claimStore: store,
    attempts: store,
    templateStore: store,
    events: store,
    audit: store,
    claims,
    templates,
    certificates: {
      async revoke(id, reason, actor) {
        const audit = certificateRevoked({
          actor: describePrincipal(actor),
          certificateId: id,
          atMs: clock.now(),
          detail: { reason },
        });
        await store.setCertificateStatus({ id, status: "REVOKED", reason, audit });
      },
    },
    backup: {
      async run(toPath, actor) {
        const made = await backup(store, toPath);
        log.info("A backup was made.", { file: toPath, bytes: made.bytes, actor: describePrincipal(actor) });
        return made;
      },
    },
    doctor: { check: async () => ({ checks: await diagnose(parts) }) },
    auditExport: {
      stream: () =>
        exportAudit(store, { origin: installation.origin, publicKey: createPublicKey(installation.auditKey) }),
    },
    clock,
    random,
    log,
    isReady,
  };
}

async function backup(store: SqliteStore, toPath: string): Promise<{ bytes: number }> {
  if (!isAbsolute(toPath))
    throw new Fault("request_invalid", "The backup's path must be absolute: the server may run elsewhere.");
  await store.backup(toPath);
  return { bytes: statSync(toPath).size };
}

async function diagnose({ clock, store, installation }: AdministrationParts): Promise<DoctorCheck[]> {
  const { folder, issuingPem, rootPem } = installation;
  const problems = await store.checkIntegrity();
  const durability = store.durabilitySettings();
  const disk = statfsSync(folder.path);
  const freeBytes = disk.bavail * disk.bsize;
  const issuingDays = Math.floor((parseCertificate(issuingPem).notAfterMs - clock.now()) / DAY_MS);
  const rootDays = Math.floor((parseCertificate(rootPem).notAfterMs - clock.now()) / DAY_MS);
  return [
    check(
      "store",
      problems.length === 0,
      problems.length === 0 ? "SQLite finds no fault." : problems.slice(0, 3).join("; "),
      "Restore the newest backup.",
    ),
    check(
      "durability",
      durability.synchronous === FULL,
      `journal ${durability.journalMode}, synchronous ${durability.synchronous}.`,
      "Report this: answers could leave before they are durable.",
    ),
    check(
      "disk",
      freeBytes > LOW_DISK_BYTES,
      `${Math.floor(freeBytes / 1024 ** 2)} MiB free.`,
      "Free space; below 1 GiB a busy day may fill the disk.",
    ),
    check("issuing CA", issuingDays > 180, `ends in ${issuingDays} days.`, "Plan its successor."),
    check("root CA", rootDays > 365, `ends in ${rootDays} days.`, "Plan its successor."),
    unlockKeyCheck(installation),
    filesCheck([folder.unlockKey, folder.admin, folder.database]),
  ];
}

function unlockKeyCheck({ folder }: UnlockedInstallation): DoctorCheck {
  const { size } = statSync(folder.unlockKey);
  // A sealed unlock key is an envelope of JSON; a bare one is 45 characters of base64.
  const sealed = size > 64;
  if (sealed) return { name: "CA key", ok: true, message: "sealed with a passphrase." };
  return {
    name: "CA key",
    ok: false,
    warning: true,
    message: "unlocked by a key file beside it: whoever reads the data folder can issue.",
    remedy: "Initialize with --ca-passphrase-file to seal it, or keep the folder on an encrypted disk.",
  };
}

function filesCheck(files: readonly string[]): DoctorCheck {
  const open = files.map(tooOpen).filter((problem) => problem !== undefined);
  return check(
    "file modes",
    open.length === 0,
    open.length === 0 ? "secrets are readable by their owner alone." : open.join(" "),
    "Run the commands named.",
  );
}

function check(name: string, ok: boolean, message: string, remedy: string): DoctorCheck {
  return ok ? { name, ok, message } : { name, ok, message, remedy };
}
