import type { KeyReference } from "../keys/key-store.ts";

/** A certificate of our own, and where its key is. */
export interface Identity {
  /** Lower-case SHA-256 of the certificate's DER. */
  readonly certificateId: string;
  readonly certificatePem: string;
  /** When the answer came, as far as the device knew the time. */
  readonly issuedAtMs: number;
  readonly key: KeyReference;
  /** Absent where the template declares no thing. */
  readonly thingName?: string;
  readonly deviceConfiguration: Readonly<Record<string, string>>;
}

/** A certificate that the server issued and that waits for its ownership token to be redeemed. */
export interface IssuedCertificate {
  readonly certificateId: string;
  readonly certificatePem: string;
  readonly issuedAtMs: number;
  readonly ownershipToken: string;
}

/** What redeeming the token gave. */
export interface Redemption {
  readonly thingName?: string;
  readonly deviceConfiguration: Readonly<Record<string, string>>;
}

/**
 * An identity on its way. Each step is stored before the next is taken, so that a run after a power cut goes on where
 * the last one stood: the same key, the same token, and therefore the same answer from the server.
 */
export interface PendingIdentity {
  readonly purpose: "provision" | "renew";
  /** Absent until the answer of CreateKeysAndCertificate, which brings the key. */
  readonly key?: KeyReference;
  readonly issued?: IssuedCertificate;
  readonly redeemed?: Redemption;
}

/** All that the agent keeps. */
export interface AgentState {
  /** The identity that has really connected. It stays until the next one has, too. */
  readonly current?: Identity;
  readonly pending?: PendingIdentity;
  /** The key of the identity before this one, to be ended where it lives in a token. */
  readonly retiredKey?: KeyReference;
  /** The claim's files are to be erased; set with the first identity, cleared when they are gone. */
  readonly claimToErase: boolean;
  /** A lower bound of the true time, proved by certificates. */
  readonly floorMs: number;
}

export const EMPTY_STATE: AgentState = { claimToErase: false, floorMs: 0 };
