// Joins operations and a way to run them into a store. `write` runs an operation whole or not at all and resolves once it is durable;
// `read` sees only what is committed.
import type { Changes, RetainedStore, SessionStore } from "../broker/ports.ts";
import type { Clock } from "../kit/clock.ts";
import { saveAttempt } from "./operations/attempts.ts";
import { setCertificateStatus } from "./operations/certificates.ts";
import * as claims from "./operations/claims.ts";
import { connection } from "./operations/connection.ts";
import { bumpEpoch } from "./operations/epoch.ts";
import { expirePending, recordCertificate, recordIntent, recordPending } from "./operations/issuance.ts";
import * as lists from "./operations/lists.ts";
import { applyPolicy, attachPolicy, detachPolicy } from "./operations/policies.ts";
import { requireClaim } from "./operations/record.ts";
import { redeem } from "./operations/redeem.ts";
import { activateRenewal, recordRenewal, supersede } from "./operations/renewal.ts";
import { applyTemplate } from "./operations/templates.ts";
import * as things from "./operations/things.ts";
import { tokenRecord } from "./operations/token.ts";
import type { Rows } from "./rows.ts";
import type { Store } from "./store.ts";

export interface Runner {
  write<Result>(operation: (rows: Rows) => Result): Promise<Result>;
  read<Result>(operation: (rows: Rows) => Result): Promise<Result>;
}

export interface Parts {
  readonly runner: Runner;
  readonly clock: Clock;
  readonly changes: Changes;
  readonly sessions: SessionStore;
  readonly retained: RetainedStore;
  close(): Promise<void>;
}

export function assembleStore(parts: Parts): Store {
  const { runner, changes, sessions, retained, close } = parts;
  return {
    ...issuing(runner),
    ...claimStore(runner),
    ...registry(runner),
    ...catalogue(runner),
    ...records(runner, parts.clock),
    changes,
    sessions,
    retained,
    bumpEpoch: (request) => runner.write((rows) => bumpEpoch(rows, request)),
    close,
    [Symbol.asyncDispose]: close,
  };
}

type Issuing =
  | "recordIntent"
  | "recordCertificate"
  | "newestIntentAtMs"
  | "epoch"
  | "recordPending"
  | "token"
  | "redeem"
  | "recordRenewal"
  | "activateRenewal"
  | "supersede"
  | "expirePending"
  | "connection";

function issuing({ write, read }: Runner): Pick<Store, Issuing> {
  return {
    recordIntent: (intent) => write((rows) => recordIntent(rows, intent)),
    recordCertificate: (certificate, audit) => write((rows) => recordCertificate(rows, certificate, audit)),
    newestIntentAtMs: () => read((rows) => rows.newestIntentAtMs()),
    epoch: () => read((rows) => rows.epoch()),
    recordPending: (pending, attempt, audit) => write((rows) => recordPending(rows, pending, { attempt, audit })),
    token: (tokenHash) => read((rows) => tokenRecord(rows, tokenHash)),
    recordRenewal: (pending, attempt, audit) => write((rows) => recordRenewal(rows, pending, { attempt, audit })),
    activateRenewal: (request) => write((rows) => activateRenewal(rows, request)),
    supersede: (request) => write((rows) => supersede(rows, request)),
    redeem: (request) => write((rows) => redeem(rows, request)),
    expirePending: (nowMs, limit) => write((rows) => expirePending(rows, nowMs, limit)),
    connection: (certificateId) => read((rows) => connection(rows, certificateId)),
  };
}

type Claims =
  | "claim"
  | "claims"
  | "createClaim"
  | "addClaimCertificate"
  | "setClaimStatus"
  | "setClaimQuarantine"
  | "addExpectedDevices"
  | "expectedDevice"
  | "expectedDevices"
  | "claimActivity"
  | "noteClaimNetwork";

function claimStore({ write, read }: Runner): Pick<Store, Claims> {
  return {
    claim: (id) => read((rows) => lists.claim(rows, id)),
    claims: () => read((rows) => rows.allClaims().map((claim) => claims.claimRecord(rows, claim))),
    createClaim: (request) => write((rows) => claims.createClaim(rows, request)),
    addClaimCertificate: (request) => write((rows) => claims.addClaimCertificate(rows, request)),
    setClaimStatus: (request) => write((rows) => claims.setClaimStatus(rows, request)),
    setClaimQuarantine: (request) => write((rows) => claims.setClaimQuarantine(rows, request)),
    addExpectedDevices: (request) => write((rows) => claims.addExpectedDevices(rows, request)),
    expectedDevice: (id, serial) => read((rows) => rows.expected(requireClaim(rows, id).id, serial)),
    expectedDevices: (id, page) => read((rows) => lists.expectedDevices(rows, id, page)),
    claimActivity: (id, nowMs) => read((rows) => claims.claimActivity(rows, id, nowMs)),
    noteClaimNetwork: (id, network, atMs, times = 1) =>
      write((rows) => claims.noteClaimNetwork(rows, id, { network, atMs, times })),
  };
}

type Registry =
  | "thing"
  | "things"
  | "createThing"
  | "retireThing"
  | "releaseThing"
  | "quarantineThing"
  | "createType"
  | "types"
  | "createGroup"
  | "groups"
  | "setGroupMembership"
  | "certificate"
  | "certificates"
  | "setCertificateStatus";

function registry({ write, read }: Runner): Pick<Store, Registry> {
  return {
    thing: (name) => read((rows) => lists.thing(rows, name)),
    things: (page) => read((rows) => lists.things(rows, page)),
    createThing: (request) => write((rows) => things.createThing(rows, request)),
    retireThing: (request) => write((rows) => things.retireThing(rows, request)),
    releaseThing: (request) => write((rows) => things.releaseThing(rows, request)),
    quarantineThing: (request) => write((rows) => things.quarantineThing(rows, request)),
    createType: (request) => write((rows) => things.createType(rows, request)),
    types: () => read((rows) => rows.types()),
    createGroup: (request) => write((rows) => things.createGroup(rows, request)),
    groups: () => read((rows) => things.groups(rows)),
    setGroupMembership: (request) => write((rows) => things.setGroupMembership(rows, request)),
    certificate: (id) => read((rows) => lists.certificate(rows, id)),
    certificates: (page) => read((rows) => lists.certificates(rows, page)),
    setCertificateStatus: (request) => write((rows) => setCertificateStatus(rows, request)),
  };
}

type Catalogue =
  | "policy"
  | "policies"
  | "applyPolicy"
  | "attachPolicy"
  | "detachPolicy"
  | "template"
  | "templates"
  | "applyTemplate";

function catalogue({ write, read }: Runner): Pick<Store, Catalogue> {
  return {
    policy: (name) => read((rows) => rows.policy(name)),
    policies: () => read((rows) => lists.policies(rows)),
    applyPolicy: (request) => write((rows) => applyPolicy(rows, request)),
    attachPolicy: (request) => write((rows) => attachPolicy(rows, request)),
    detachPolicy: (request) => write((rows) => detachPolicy(rows, request)),
    template: (name) => read((rows) => rows.template(name)),
    templates: () => read((rows) => lists.templates(rows)),
    applyTemplate: (request) => write((rows) => applyTemplate(rows, request)),
  };
}

type Records =
  | "saveAttempt"
  | "attempt"
  | "attempts"
  | "saveEvent"
  | "events"
  | "entries"
  | "entryCount"
  | "latestCheckpoint"
  | "saveCheckpoint"
  | "checkpoints"
  | "claimUsage"
  | "credential"
  | "saveCredential";

function records({ write, read }: Runner, clock: Clock): Pick<Store, Records> {
  return {
    saveAttempt: (attempt) => write((rows) => saveAttempt(rows, attempt)),
    attempt: (id) => read((rows) => rows.attempt(id)),
    attempts: (page) => read((rows) => lists.attempts(rows, page)),
    saveEvent: (event) => write((rows) => rows.insertEvent(event)),
    events: (page) => read((rows) => lists.events(rows, page)),
    entries: (fromIndex, limit) => read((rows) => rows.audit(fromIndex, limit)),
    entryCount: () => read((rows) => rows.auditCount()),
    latestCheckpoint: () => read((rows) => rows.latestCheckpoint()),
    saveCheckpoint: (checkpoint) => write((rows) => rows.insertCheckpoint(checkpoint)),
    checkpoints: (limit) => read((rows) => rows.checkpoints(limit)),
    claimUsage: () => read((rows) => lists.claimUsage(rows, clock.now())),
    credential: (tokenHash) => read((rows) => rows.credential(tokenHash)),
    saveCredential: (credential) => write((rows) => rows.insertCredential(credential)),
  };
}
