import type { KeyUsage } from "../certificate/read-extensions.ts";
import { OID } from "../der/oid.ts";

export type ProfileName = "root" | "issuing-ca" | "server" | "claim" | "temporary-claim" | "device";

/** What a kind of certificate contains, and for how long. Everything that is not named here is never written. */
export interface Profile {
  readonly name: ProfileName;
  readonly isCa: boolean;
  /** How many CAs may follow below; CAs only. */
  readonly pathLength: number | undefined;
  readonly keyUsage: readonly KeyUsage[];
  readonly extendedKeyUsage: readonly string[];
  /** Which alternative names: a server needs its addresses, a device may have one URI, nobody else has any. */
  readonly alternativeNames: "none" | "addresses" | "optional-uri";
  readonly defaultValidSeconds: number;
  readonly maxValidSeconds: number;
  /** notBefore lies this far in the past, since device clocks are late more often than early. */
  readonly backdateSeconds: number;
}

const HOUR = 3600;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

const ca = (name: ProfileName, pathLength: number, defaultYears: number, maxYears: number): Profile => ({
  name,
  isCa: true,
  pathLength,
  keyUsage: ["keyCertSign", "cRLSign"],
  extendedKeyUsage: [],
  alternativeNames: "none",
  defaultValidSeconds: defaultYears * YEAR,
  maxValidSeconds: maxYears * YEAR,
  backdateSeconds: HOUR,
});

const leaf = (name: ProfileName, purpose: string, defaultSeconds: number, maxSeconds: number): Profile => ({
  name,
  isCa: false,
  pathLength: undefined,
  // TLS 1.3 and every (EC)DHE suite need nothing but signatures, for RSA keys too.
  keyUsage: ["digitalSignature"],
  extendedKeyUsage: [purpose],
  alternativeNames: "none",
  defaultValidSeconds: defaultSeconds,
  maxValidSeconds: maxSeconds,
  backdateSeconds: HOUR,
});

export const PROFILES: Readonly<Record<ProfileName, Profile>> = {
  root: ca("root", 1, 20, 40),
  "issuing-ca": ca("issuing-ca", 0, 5, 25),
  server: { ...leaf("server", OID.serverAuth, YEAR, 3 * YEAR), alternativeNames: "addresses" },
  claim: leaf("claim", OID.clientAuth, 90 * DAY, 5 * YEAR),
  "temporary-claim": leaf("temporary-claim", OID.clientAuth, 300, 300),
  device: { ...leaf("device", OID.clientAuth, YEAR, 25 * YEAR), alternativeNames: "optional-uri" },
};
