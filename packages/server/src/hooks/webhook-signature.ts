// How a webhook knows that we asked, and when. Every request carries
//
//   Fleetmint-Signature: t=1767225600,v1=5257a869e7…        t: Unix seconds; v1: lower-case hexadecimal
//   Fleetmint-Hook-Id:   ask-…                              one per decision; the same on our one retry
//
// where v1 is HMAC-SHA256(secret, t + "." + body) over the bytes of the body as received. A receiver refuses a request whose
// t is more than five minutes away from its clock, compares v1 in constant time, and takes an id only once if it matters.
// In Node, `verifyWebhookSignature` does that; elsewhere:  printf '%s.%s' "$t" "$body" | openssl dgst -sha256 -hmac "$secret"
import { createHmac, timingSafeEqual } from "node:crypto";

export const SIGNATURE_HEADER = "Fleetmint-Signature";
export const HOOK_ID_HEADER = "Fleetmint-Hook-Id";

const TOLERANCE_SECONDS = 300;

export function signWebhook(secret: string, body: string, nowSeconds: number): string {
  return `t=${nowSeconds},v1=${digest(secret, nowSeconds, body).toString("hex")}`;
}

/** What a receiver does with the header. False for anything but a fresh signature with this secret over this body. */
export function verifyWebhookSignature(request: {
  readonly secret: string;
  readonly header: string;
  readonly body: string;
  readonly nowSeconds: number;
}): boolean {
  const [, t = "", v1 = ""] = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/.exec(request.header) ?? [];
  if (v1 === "" || Math.abs(request.nowSeconds - Number(t)) > TOLERANCE_SECONDS) return false;
  return timingSafeEqual(Buffer.from(v1, "hex"), digest(request.secret, Number(t), request.body));
}

function digest(secret: string, seconds: number, body: string): Buffer {
  return createHmac("sha256", secret).update(`${seconds}.${body}`).digest();
}
