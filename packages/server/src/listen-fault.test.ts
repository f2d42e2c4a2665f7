import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "./kit/fault.ts";
import { listenFault } from "./listen-fault.ts";

const ADDRESS = { host: "192.0.2.1", port: 443, flag: "--mqtt-port" } as const;
const refused = (code: string): unknown => listenFault(Object.assign(new Error(code), { code }), ADDRESS);

test("a port that is taken or forbidden is named with the flag that mends it", () => {
  for (const [code, sentence] of [
    ["EADDRINUSE", /^Port 443 of 192\.0\.2\.1 is taken .* --mqtt-port /],
    ["EACCES", /may not listen on port 443 .* --mqtt-port .*CAP_NET_BIND_SERVICE/],
    ["EADDRNOTAVAIL", /192\.0\.2\.1 is not one of this machine's; pass --host /],
    ["ENOTFOUND", /192\.0\.2\.1 is not one of this machine's; pass --host /],
  ] as const) {
    const fault = refused(code);
    assert.ok(fault instanceof Fault, code);
    assert.equal(fault.code, "conflict");
    assert.match(fault.message, sentence);
  }
});

test("an error that nobody foresaw stays what it is", () => {
  assert.equal((refused("EMFILE") as Error).message, "EMFILE");
  assert.equal(listenFault(undefined, ADDRESS), undefined);
});
