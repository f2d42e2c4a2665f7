import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { describe, it } from "node:test";
import { signWebhook, verifyWebhookSignature } from "./webhook-signature.ts";

const secret = "0123456789abcdef";
const body = '{"a":"é"}';
const nowSeconds = 1_767_225_600;
const header = signWebhook(secret, body, nowSeconds);

describe("webhook signature", () => {
  it("is what the documentation says, so that any language can check it", () => {
    const v1 = createHmac("sha256", secret).update(`${nowSeconds}.${body}`).digest("hex");
    assert.equal(header, `t=${nowSeconds},v1=${v1}`);
  });

  it("holds for five minutes", () => {
    assert.ok(verifyWebhookSignature({ secret, header, body, nowSeconds }));
    assert.ok(verifyWebhookSignature({ secret, header, body, nowSeconds: nowSeconds + 300 }));
    assert.ok(!verifyWebhookSignature({ secret, header, body, nowSeconds: nowSeconds + 301 }));
    assert.ok(!verifyWebhookSignature({ secret, header, body, nowSeconds: nowSeconds - 301 }));
  });

  it("does not hold for another body, secret, time or form", () => {
    assert.ok(!verifyWebhookSignature({ secret, header, body: `${body} `, nowSeconds }));
    assert.ok(!verifyWebhookSignature({ secret: `${secret}!`, header, body, nowSeconds }));
    const later = header.replace(String(nowSeconds), String(nowSeconds + 1));
    assert.ok(!verifyWebhookSignature({ secret, header: later, body, nowSeconds }));
    for (const other of ["", "t=1", header.toUpperCase(), `${header},v1=00`, header.slice(0, -1), `v1=x,${header}`]) {
      assert.ok(!verifyWebhookSignature({ secret, header: other, body, nowSeconds }), other);
    }
  });
});
