// What every store must do, whatever it is made of. An implementation's test calls this with a way to make an empty one.
import { describe } from "node:test";
import { claimContract } from "./contract/claims.ts";
import type { MakeStore } from "./contract/fixture.ts";
import { issuingContract } from "./contract/issuing.ts";
import { keyContract } from "./contract/keys.ts";
import { recordContract } from "./contract/records.ts";
import { redeemContract } from "./contract/redeeming.ts";
import { redeemThingContract } from "./contract/redeeming-things.ts";
import { registryContract } from "./contract/registry.ts";
import { renewalContract } from "./contract/renewing.ts";
import { sessionContract } from "./contract/sessions.ts";
import { templateContract } from "./contract/templates.ts";

export function storeContract(name: string, make: MakeStore): void {
  describe(`${name}: issuing`, () => issuingContract(make));
  describe(`${name}: keys`, () => keyContract(make));
  describe(`${name}: redeeming`, () => redeemContract(make));
  describe(`${name}: redeeming for things that exist`, () => redeemThingContract(make));
  describe(`${name}: renewing`, () => renewalContract(make));
  describe(`${name}: claims`, () => claimContract(make));
  describe(`${name}: registry`, () => registryContract(make));
  describe(`${name}: templates`, () => templateContract(make));
  describe(`${name}: records`, () => recordContract(make));
  describe(`${name}: sessions`, () => sessionContract(make));
}
