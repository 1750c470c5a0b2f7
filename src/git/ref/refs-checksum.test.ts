import assert from "node:assert/strict";
import { test } from "node:test";
import { type Oid, parseOid } from "../oid/oid.ts";
import { HEAD, parseRefName, type RefName } from "./ref-name.ts";
import { refsChecksum, ZERO_CHECKSUM } from "./refs-checksum.ts";

const MASTER = ref("refs/heads/master", "f21f76b804422462e79f9f99d5b14856e130ed71");
const FEATURE = ref("refs/heads/feature", "f21f76b804422462e79f9f99d5b14856e130ed71");
const OTHER = ref("refs/heads/feature", "860de2dde3d6673d4a494d3c2ceeae9786a556ba");

test("refsChecksum gives the sums that the reference server gives", () => {
  assert.equal(refsChecksum([MASTER]), "bba299616da21e268890f1691c3f6ea788c6cdc9");
  assert.equal(refsChecksum([MASTER, FEATURE]), "f5c4203236292be5f212710c0b042051ba3e14cf");
  assert.equal(refsChecksum([MASTER, OTHER]), "56ca38be577db6bdda47a840d1061ad47abc3619");
  assert.equal(refsChecksum([FEATURE, MASTER, FEATURE]), refsChecksum([MASTER]));
});

test("refsChecksum is all zeros when nothing counts", () => {
  assert.equal(refsChecksum([]), ZERO_CHECKSUM);
  assert.equal(refsChecksum([MASTER, MASTER]), ZERO_CHECKSUM);
  for (const name of [
    "foo/bar",
    "refs/foo/bar",
    "tags/v0.0.1",
    "refs/pipelines/1",
    "refs/headsx/a",
  ]) {
    assert.equal(refsChecksum([ref(name, MASTER.oid)]), ZERO_CHECKSUM, name);
  }
});

test("refsChecksum counts these namespaces", () => {
  const spaces = ["heads", "tags", "keep-around", "merge-requests", "environments", "notes"];
  for (const space of spaces) {
    assert.notEqual(refsChecksum([ref(`refs/${space}/1`, MASTER.oid)]), ZERO_CHECKSUM, space);
  }
  assert.notEqual(refsChecksum([{ name: HEAD, oid: MASTER.oid }]), ZERO_CHECKSUM);
});

test("refsChecksum leaves out leading zero bytes", () => {
  const sums = Array.from({ length: 2000 }, (_, index) =>
    refsChecksum([ref(`refs/heads/${index}`, MASTER.oid)]),
  );
  const short = sums.filter((sum) => sum.length < 40);
  assert.ok(short.length > 0);
  for (const sum of short) assert.match(sum, /^(?!00)(?:[0-9a-f]{2})+$/);
});

function ref(name: string, hex: string): { name: RefName; oid: Oid } {
  const [valid, oid] = [parseRefName(name), parseOid(hex)];
  assert.ok(valid !== undefined && oid !== undefined);
  return { name: valid, oid };
}
