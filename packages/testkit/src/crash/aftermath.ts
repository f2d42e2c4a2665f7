// What a store must say after a crash, a restart and a device that tried until it succeeded.
import { createHash, createPublicKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { checkInvariants } from "@fleetmint/server";
import type { Acknowledged } from "./persistent-device.ts";
import { databaseFile } from "./prepared-folder.ts";

/** The invariants of security.md §5, checked by their own program on the file as it lies there. One sentence each. */
export function brokenInvariants(folder: string): string[] {
  const auditPublicKey = createPublicKey(readFileSync(join(folder, "audit.pub.pem")));
  return checkInvariants(databaseFile(folder), { auditPublicKey }).map(
    ({ invariant, problem }) => `${invariant}: ${problem}`,
  );
}

/** What one device was told so far, against what is stored: durable, known, and exactly once. */
export function brokenPromises(folder: string, claimId: string, acknowledged: Acknowledged): string[] {
  const database = new DatabaseSync(databaseFile(folder), { readOnly: true });
  try {
    const forgotten = forgottenCertificates(database, acknowledged);
    if (acknowledged.thing === undefined) return forgotten;
    return [...forgotten, ...wrongThing(database, acknowledged), ...wrongCount(database, claimId)];
  } finally {
    database.close();
  }
}

/** I5: what was answered is there, byte for byte. */
function forgottenCertificates(database: DatabaseSync, { certificates }: Acknowledged): string[] {
  const statement = database.prepare("SELECT der FROM certificates WHERE hex(certificate_id) = upper(?)");
  return certificates.flatMap(({ certificateId, certificatePem }) => {
    const der = statement.get(certificateId)?.["der"];
    const sent = new X509Certificate(certificatePem).raw;
    const same = der instanceof Uint8Array && sent.equals(der) && digest(sent) === certificateId;
    return same ? [] : [`I5: the certificate ${certificateId} was answered and is not in the store`];
  });
}

/** I5 and I6: the thing that was answered has one certificate in use, the one that its device holds. */
function wrongThing(database: DatabaseSync, { certificates, thing }: Acknowledged): string[] {
  const active = database
    .prepare(
      `SELECT lower(hex(c.certificate_id)) AS id, t.name FROM certificates c JOIN intents i ON i.id = c.id
       LEFT JOIN things t ON t.id = c.thing WHERE i.profile = 'device' AND c.status = 'ACTIVE'`,
    )
    .all();
  const found = JSON.stringify(active.map(({ id, name }) => ({ id, name })));
  const expected = JSON.stringify([{ id: certificates.at(-1)?.certificateId, name: thing?.thingName }]);
  return found === expected ? [] : [`I6: in use are ${found}, the device relies on ${expected}`];
}

function wrongCount(database: DatabaseSync, claimId: string): string[] {
  const redeemed = database.prepare("SELECT redeemed FROM claims WHERE claim_id = ?").get(claimId)?.["redeemed"];
  return redeemed === 1 ? [] : [`I4: one device was provisioned and ${redeemed} are counted`];
}

function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
