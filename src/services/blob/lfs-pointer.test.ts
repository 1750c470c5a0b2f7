import assert from "node:assert/strict";
import { test } from "node:test";
import { parseLfsPointer } from "./lfs-pointer.ts";

const VERSION = "version https://git-lfs.github.com/spec/v1";
const OID = `oid sha256:${"0123456789abcdef".repeat(4)}`;

function parse(...lines: readonly string[]): unknown {
  const file = parseLfsPointer(Buffer.from(lines.join("\n")));
  return file && [Buffer.from(file.fileOid).toString(), file.fileSize];
}

test("parseLfsPointer reads what a pointer says", () => {
  const file = ["0123456789abcdef".repeat(4), 12n];
  assert.deepEqual(parse(VERSION, OID, "size 12", ""), file);
  assert.deepEqual(parse(VERSION, OID, "size 12"), file);
  assert.deepEqual(parse(VERSION, "size 12", "more", OID), file);
  assert.deepEqual(parse(`${VERSION}.9 and more`, OID, "size 0012", "", ""), file);
  assert.deepEqual(parse(VERSION, OID, "size 9223372036854775807"), [
    ...file.slice(0, 1),
    9223372036854775807n,
  ]);
});

test("parseLfsPointer refuses everything else", () => {
  assert.equal(parse(""), undefined);
  assert.equal(parse(VERSION), undefined);
  assert.equal(parse("", VERSION, OID, "size 12"), undefined);
  assert.equal(parse("version https://hawser.github.com/spec/v1", OID, "size 12"), undefined);
  assert.equal(parse(VERSION, OID), undefined);
  assert.equal(parse(VERSION, OID, "size -1"), undefined);
  assert.equal(parse(VERSION, OID, "size 12 "), undefined);
  assert.equal(parse(VERSION, OID, " size 12"), undefined);
  assert.equal(parse(VERSION, OID, "size 12\r"), undefined);
  assert.equal(parse(VERSION, OID, "size 9223372036854775808"), undefined);
  assert.equal(parse(VERSION, "size 12"), undefined);
  assert.equal(parse(VERSION, OID.toUpperCase(), "size 12"), undefined);
  assert.equal(parse(VERSION, `${OID}0`, "size 12"), undefined);
});
