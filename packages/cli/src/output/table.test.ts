import assert from "node:assert/strict";
import { test } from "node:test";
import { createPainter } from "./paint.ts";
import { type Column, printable, table } from "./table.ts";
import { wrap } from "./text.ts";

const columns: readonly Column<readonly [string, string]>[] = [
  { title: "id", value: ([id]) => id },
  { title: "name", value: ([, name]) => name, flexible: true },
];
const paint = (width: number) => createPainter({ width, colour: false });

test("columns are as wide as their widest value and no line ends in blanks", () => {
  const rows = [
    ["1", "a"],
    ["22", "b"],
  ] as const;
  assert.equal(table(columns, rows, paint(80)), "ID  NAME\n1   a\n22  b\n");
});

test("a flexible column gives way to the window, the others never", () => {
  const rows = [["0123456789", "x".repeat(40)]] as const;
  assert.equal(table(columns, rows, paint(24)).split("\n")[1], `0123456789  ${"x".repeat(11)}…`);
  assert.equal(table(columns, rows, paint(5)).split("\n")[1], `0123456789  ${"x".repeat(7)}…`);
});

test("what a device calls itself cannot steer the terminal", () => {
  assert.equal(printable("a\u001b[31mb\nc\u0085\u202ed"), "a�[31mb�c��d");
  const rows = [["1", "evil\u001b]0;title\u0007"]] as const;
  assert.ok(!table(columns, rows, paint(80)).includes("\u001b"));
});

test("words are wrapped under the indent, and one that is too wide is cut", () => {
  assert.equal(wrap("aaaa bbbb cccc dddd eeee ffff", 24, "  "), "aaaa bbbb cccc dddd\n  eeee ffff");
  assert.equal(wrap("x".repeat(50), 30, "     "), `${"x".repeat(25)}\n     ${"x".repeat(25)}`);
});
