// Every @example in the sources is run, so that what the documentation shows is what works.

import assert from "node:assert/strict";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { test } from "node:test";
import * as pki from "@fleetmint/pki";
import { exampleCa } from "./example-ca.ts";

const SOURCES = new URL("../src/", import.meta.url);
const EXAMPLE = /\* @example\n((?: *\* ?.*\n)+?) *\*\/\n(?:export )?(?:async )?function (\w+)/g;

interface Example {
  readonly name: string;
  readonly code: string;
}

function examplesOf(file: string): Example[] {
  const text = readFileSync(new URL(file, SOURCES), "utf8");
  return [...text.matchAll(EXAMPLE)].map(([, comment = "", name = ""]) => ({
    name,
    code: comment.replaceAll(/^ *\* ?/gm, ""),
  }));
}

const files = readdirSync(SOURCES, { recursive: true, encoding: "utf8" }).filter((file) =>
  /(?<!\.test)\.ts$/.test(file),
);
const examples = files.flatMap(examplesOf);
const scope: Record<string, unknown> = { ...pki, assert, generateKeyPairSync, randomBytes, exampleCa };
const AsyncFunction = Object.getPrototypeOf(async () => undefined).constructor as new (
  ...parts: readonly string[]
) => (...values: readonly unknown[]) => Promise<void>;

for (const { name, code } of examples) {
  test(`the example of ${name} runs`, async () => {
    const run = new AsyncFunction(...Object.keys(scope), stripTypeScriptTypes(code));
    await run(...Object.values(scope));
  });
}

test("the examples were found", () => {
  assert.equal(examples.length >= 14, true, `${examples.length} examples`);
});
