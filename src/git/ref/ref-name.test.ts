import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  binaryFromBytes,
  binaryFromText,
  bytesFromBinary,
  textFromBinary,
} from "./binary-string.ts";
import { HEAD, parseRefName, parseRefNameText } from "./ref-name.ts";
import { referenceNameProblem } from "./reference-name-problem.ts";

test("parseRefName accepts names as git does", () => {
  for (const name of [
    "refs/heads/main",
    "a/b",
    "refs/a.b/c",
    "refs/@",
    "refs/heads/\xff\xfe",
    "@/a",
    "a/{",
  ]) {
    assert.equal(parseRefName(name), name);
    assert.equal(parseRefName(Buffer.from(name, "latin1")), name);
  }
});

test("parseRefName refuses names as git does", () => {
  const names = [
    "",
    "/",
    "a",
    "@",
    "a/",
    "/a/b",
    "a//b",
    "a/.b",
    ".a/b",
    "a..b/c",
    "a/b.",
    "a/b.lock",
  ];
  names.push(
    "a.lock/b",
    "a/@{",
    "a/ b",
    "a/\x7f",
    "a/\0",
    "a/\x1f",
    "a/*",
    "a/\u0100",
    "a/.lock",
    "a/..",
  );
  for (const character of ":?[\\^~") names.push(`refs/heads/a${character}b`);
  for (const name of names) assert.equal(parseRefName(name), undefined, JSON.stringify(name));
});

test("parseRefName knows the options of git check-ref-format", () => {
  assert.equal(parseRefName("HEAD", { oneLevel: true }), HEAD);
  assert.equal(parseRefName("@", { oneLevel: true }), undefined);
  assert.equal(parseRefName("refs/*/a", { pattern: true }), "refs/*/a");
  assert.equal(parseRefName("refs/*/*", { pattern: true }), undefined);
});

test("parseRefNameText gives the name whose bytes are the text's UTF-8", () => {
  const name = parseRefNameText("refs/heads/grün");
  assert.equal(name, "refs/heads/gr\u00c3\u00bcn");
  assert.equal(textFromBinary(name), "refs/heads/grün");
  assert.deepEqual(bytesFromBinary(name), Buffer.from("refs/heads/grün"));
});

test("binary strings hold any bytes and order as the bytes do", () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (left, right) => {
      const [one, other] = [binaryFromBytes(left), binaryFromBytes(right)];
      assert.deepEqual(bytesFromBinary(one), Buffer.from(left));
      const order = one < other ? -1 : Number(one > other);
      assert.equal(order, Buffer.compare(left, right));
    }),
  );
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      assert.equal(textFromBinary(binaryFromText(text)), text);
    }),
  );
});

test("referenceNameProblem words its refusals as Gitaly does", () => {
  const table: readonly [string, string | undefined][] = [
    ["refs/heads/main", undefined],
    ["refs/a", undefined],
    ["refs/heads/\xff", undefined],
    ["HEAD", "HEAD reference not allowed"],
    ["heads/main", "reference is not fully qualified"],
    ["", "reference is not fully qualified"],
    ["refs/", "refs/ is not a valid reference"],
    ["refs/a/", "reference must not end with slash"],
    ["refs//", "reference must not end with slash"],
    ["refs/a.", "reference must not end with dot"],
    ["refs/a@{b", "reference must not contain @{"],
    ["refs/a..b c", "reference must not contain double dots"],
    ["refs/a b", "reference must not contain space characters"],
    ["refs/a\tb*", "reference must not contain space characters"],
    ["refs/a*b ", "reference must not contain special characters"],
    ["refs/a\x7f", "reference must not contain special characters"],
    ["refs/a\0", "reference must not contain control characters"],
    ["refs//a", "empty component is not allowed"],
    ["refs/a//b", "empty component is not allowed"],
    ["refs/.a", "component must not start with dot"],
    ["refs/a.lock/b", "component must not end with .lock"],
  ];
  for (const [name, problem] of table) {
    assert.equal(referenceNameProblem(name), problem, JSON.stringify(name));
    assert.equal(referenceNameProblem(Buffer.from(name, "latin1")), problem);
  }
});
