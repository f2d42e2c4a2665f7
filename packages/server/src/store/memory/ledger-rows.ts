import type { IssuanceIntent } from "../../ca/ports.ts";
import type { CertificateId, SerialNumber } from "../../vocabulary/ids.ts";
import type { CertificateRow, ClaimRow, IntentRow, LedgerRows, ThingRow, TokenFields, TokenRow } from "../rows.ts";
import { Index, Table, type UndoLog, UndoMap } from "./undo.ts";

interface Intent extends Omit<IssuanceIntent, "claimId"> {
  readonly id: number;
  readonly claim: number | undefined;
}

/** The certificate's row without what other tables say. */
interface Certificate extends Omit<CertificateRow, "claimId" | "thingName"> {
  readonly der: Uint8Array;
  readonly token: TokenFields | undefined;
  readonly requestDigest: string | undefined;
  readonly deviceConfiguration: Readonly<Record<string, string>> | undefined;
}

/** What the ledger must ask of other tables. */
export interface LedgerNeighbours {
  claimByRow(row: number): ClaimRow | undefined;
  thingByRow(row: number): ThingRow | undefined;
}

export function ledgerRows(log: UndoLog, neighbours: LedgerNeighbours): LedgerRows {
  const intents = new Table<Intent>(log);
  const certificates = new UndoMap<number, Certificate>(log);
  const bySerial = new UndoMap<SerialNumber, number>(log);
  const byKey = new Index<string>(log);
  return {
    ...installationRows(log),
    ...intentRows({ intents, certificates, bySerial, byKey }, neighbours),
    ...certificateRows(log, { intents, certificates }, neighbours),
  };
}

interface Tables {
  readonly intents: Table<Intent>;
  readonly certificates: UndoMap<number, Certificate>;
  readonly bySerial: UndoMap<SerialNumber, number>;
  readonly byKey: Index<string>;
}

function installationRows(log: UndoLog): Pick<LedgerRows, "epoch" | "setEpoch" | "sweptIntents" | "setSweptIntents"> {
  const values = new UndoMap<"epoch" | "swept", number>(log);
  return {
    epoch: () => values.get("epoch") ?? 1,
    setEpoch: (epoch) => values.set("epoch", epoch),
    sweptIntents: () => values.get("swept") ?? 0,
    setSweptIntents: (upTo) => values.set("swept", upTo),
  };
}

type Intents = "intent" | "newestIntentAtMs" | "intentsAfter" | "insertIntent" | "setIntentClaim" | "keyUses";

function intentRows(tables: Tables, neighbours: LedgerNeighbours): Pick<LedgerRows, Intents> {
  const { intents, certificates, bySerial, byKey } = tables;
  const rowOf = (intent: Intent): IntentRow => ({ ...intent, certified: certificates.has(intent.id) });
  return {
    intent(serial) {
      const intent = intents.get(bySerial.get(serial) ?? 0);
      return intent && rowOf(intent);
    },
    newestIntentAtMs: () => intents.rows().at(-1)?.atMs ?? 0,
    intentsAfter: (id, limit) =>
      intents
        .rows()
        .filter((intent) => intent.id > id)
        .slice(0, limit)
        .map(rowOf),
    insertIntent({ claimId: _claimId, ...intent }, claim) {
      if (bySerial.has(intent.serial)) return false;
      const id = intents.insert({ ...intent, claim });
      bySerial.set(intent.serial, id);
      byKey.add(intent.publicKeyFingerprint, id);
      return true;
    },
    setIntentClaim: (id, claim) => intents.update(id, { claim }),
    keyUses: (key) =>
      byKey.of(key).map((id) => {
        const { profile, claim, clientId, atMs } = intents.get(id) as Intent;
        const certificate = certificates.get(id);
        const thing = certificate?.thing === undefined ? undefined : neighbours.thingByRow(certificate.thing);
        const uses = thing && { name: thing.thingName, released: thing.released };
        return {
          certificate: certificate && id,
          profile,
          claim,
          clientId,
          atMs,
          status: certificate?.status,
          statusReason: certificate?.statusReason,
          thing: uses,
        };
      }),
  };
}

type Certificates = Exclude<keyof LedgerRows, Intents | "epoch" | "setEpoch" | "sweptIntents" | "setSweptIntents">;

function certificateRows(
  log: UndoLog,
  tables: Pick<Tables, "intents" | "certificates">,
  neighbours: LedgerNeighbours,
): Pick<LedgerRows, Certificates> {
  const { intents, certificates } = tables;
  const byId = new UndoMap<CertificateId, number>(log);
  const byToken = new UndoMap<string, number>(log);
  const byThing = new Index<number>(log);
  const rowOf = (certificate: Certificate | undefined): CertificateRow | undefined =>
    certificate && publicRow(certificate, neighbours);
  const change = (id: number, to: Partial<Certificate>) => {
    const certificate = certificates.get(id);
    if (certificate !== undefined) certificates.set(id, { ...certificate, ...to });
  };
  return {
    insertCertificate({ intent, certificate, status, claim, token }) {
      if (byId.has(certificate.certificateId)) return false;
      const blank = {
        statusReason: undefined,
        thing: undefined,
        requestDigest: undefined,
        deviceConfiguration: undefined,
      };
      certificates.set(intent, { ...certificate, ...blank, id: intent, status, claim, token });
      byId.set(certificate.certificateId, intent);
      if (token !== undefined) byToken.set(token.hash, intent);
      return true;
    },
    certificate: (id) => rowOf(certificates.get(byId.get(id) ?? 0)),
    certificateByRow: (row) => rowOf(certificates.get(row)),
    certificateDer: (row) => certificates.get(row)?.der ?? new Uint8Array(),
    certificates({ after, limit, claim, thing }) {
      const listed = listCertificates(certificates, {
        thing: thing === undefined ? undefined : byThing.of(thing),
        after,
      });
      const wanted = claim === undefined ? listed : listed.filter((row) => row.claim === claim);
      return wanted.slice(0, limit).map((row) => publicRow(row, neighbours));
    },
    setCertificateStatus: (row, status, statusReason) => change(row, { status, statusReason }),
    token(hash) {
      const certificate = certificates.get(byToken.get(hash) ?? 0);
      return certificate && tokenRow(certificate, intents.get(certificate.id) as Intent, neighbours);
    },
    renewedBy(row) {
      const certificate = certificates.get(row);
      const spent = certificate?.claim === undefined && certificate?.requestDigest !== undefined;
      return spent ? certificate.token?.claimCertificate : undefined;
    },
    spendToken(row, { status, thing, requestDigest, deviceConfiguration }) {
      change(row, { status, thing, requestDigest, deviceConfiguration });
      if (thing !== undefined) byThing.add(thing, row);
    },
    pendingCertificates: (beforeMs, limit) =>
      certificates
        .values()
        .filter(({ status, token }) => status === "PENDING_ACTIVATION" && expiresBefore(token, beforeMs))
        .sort((one, other) => (one.token?.expiresAtMs ?? 0) - (other.token?.expiresAtMs ?? 0))
        .slice(0, limit)
        .map((row) => publicRow(row, neighbours)),
  };
}

function expiresBefore(token: TokenFields | undefined, beforeMs: number | undefined): boolean {
  return token !== undefined && (beforeMs === undefined || token.expiresAtMs < beforeMs);
}

/** All in order of issuing; those of a thing newest first. */
function listCertificates(
  certificates: UndoMap<number, Certificate>,
  { thing, after }: { readonly thing: readonly number[] | undefined; readonly after: number | undefined },
): Certificate[] {
  const all = thing === undefined ? certificates.values() : thing.map((id) => certificates.get(id) as Certificate);
  if (thing === undefined) return all.filter(({ id }) => id > (after ?? 0)).sort((one, other) => one.id - other.id);
  return all.filter(({ id }) => id < (after ?? Number.POSITIVE_INFINITY)).sort((one, other) => other.id - one.id);
}

function publicRow(certificate: Certificate, neighbours: LedgerNeighbours): CertificateRow {
  const { der: _der, token: _token, requestDigest: _digest, deviceConfiguration: _configuration, ...row } = certificate;
  return {
    ...row,
    claimId: row.claim === undefined ? undefined : neighbours.claimByRow(row.claim)?.claimId,
    thingName: row.thing === undefined ? undefined : neighbours.thingByRow(row.thing)?.thingName,
  };
}

function tokenRow(certificate: Certificate, intent: Intent, neighbours: LedgerNeighbours): TokenRow | undefined {
  const { claimId, thingName } = publicRow(certificate, neighbours);
  const { token, claim } = certificate;
  if (token === undefined) return undefined;
  return {
    certificate: certificate.id,
    certificateId: certificate.certificateId,
    status: certificate.status,
    statusReason: certificate.statusReason,
    publicKeyFingerprint: certificate.publicKeyFingerprint,
    claim,
    claimId,
    claimCertificate: token.claimCertificate,
    clientId: intent.clientId ?? "",
    expiresAtMs: token.expiresAtMs,
    attemptId: token.attemptId,
    notAfterMs: certificate.notAfterMs,
    requestDigest: certificate.requestDigest,
    thingName,
    deviceConfiguration: certificate.deviceConfiguration,
  };
}
