import assert from "node:assert/strict";
import { test } from "node:test";
import { Mailmap } from "../../git/mailmap/mailmap.ts";
import { zeroOid } from "../../git/oid/oid.ts";
import { SignatureType, type Tag } from "../../proto/shared_pb.ts";
import { gitTag, trimTagMessage } from "./git-tag.ts";

const OID = zeroOid("sha1");
const HEADERS = `object ${"a".repeat(40)}\ntype commit\ntag v1\ntagger A <a@x> 1700000000 +0200\n`;

function parse(text: string, name = "", mailmap?: Mailmap): Tag {
  const content = Buffer.from(text, "latin1");
  return gitTag({ oid: OID, type: "tag", content }, Buffer.from(name), mailmap).tag;
}

function text(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString("latin1");
}

test("gitTag takes everything from an annotated tag", () => {
  const content = Buffer.from(`${HEADERS}\nmessage\n\nmore\n\n`);
  const parsed = gitTag({ oid: OID, type: "tag", content }, Buffer.from(""), undefined);
  assert.equal(parsed.object, "a".repeat(40));
  assert.equal(parsed.objectType, "commit");
  const { tag } = parsed;
  assert.equal(tag.id, OID);
  assert.equal(text(tag.name), "v1");
  assert.equal(text(tag.tagger?.name), "A");
  assert.equal(text(tag.tagger?.timezone), "+0200");
  assert.equal(text(tag.message), "message\n\nmore\n\n");
  assert.equal(tag.messageSize, 15n);
  trimTagMessage(tag);
  assert.equal(text(tag.message), "message\n\nmore");
  assert.equal(tag.messageSize, 13n);
  assert.equal(text(parse(HEADERS, "other").name), "other");
});

test("gitTag makes do with damaged tags", () => {
  assert.equal(text(parse("").message), "");
  assert.equal(text(parse("\nmessage").message), "message");
  const tag = parse("object x\nno-value\ntag a\ntag b\ntagger\n");
  assert.equal(text(tag.name), "a");
  assert.equal(tag.tagger, undefined);
  assert.equal(tag.messageSize, 0n);
});

test("gitTag tells the type of a signature", () => {
  const cases: [string, SignatureType][] = [
    ["message\n-----BEGIN PGP SIGNATURE-----\nx\n", SignatureType.PGP],
    ["message\n-----BEGIN PGP MESSAGE-----\nx", SignatureType.PGP],
    ["message\n-----BEGIN SIGNED MESSAGE-----\nx\n", SignatureType.X509],
    ["message-----BEGIN SSH SIGNATURE-----\nx\n", SignatureType.SSH],
    ["message\n-----BEGIN SSH SIGNATURE-----\n", SignatureType.NONE],
    ["message\n-----BEGIN SSH SIGNATURE-----", SignatureType.NONE],
    ["message\n-----BEGIN OTHER-----\nx\n", SignatureType.NONE],
    ["-----BEGIN PGP SIGNATURE-----\nx\n", SignatureType.NONE],
    ["message\n", SignatureType.NONE],
  ];
  for (const [message, type] of cases) {
    assert.equal(parse(`${HEADERS}\n${message}`).signatureType, type, message);
  }
});

test("trimTagMessage cuts a long message and tells its size", () => {
  const tag = parse(`${HEADERS}\n${"x".repeat(20_000)}\n\n`);
  trimTagMessage(tag);
  assert.equal(tag.message.length, 10 * 1024);
  assert.equal(tag.messageSize, 20_000n);
});

test("gitTag shows the tagger as the mailmap says", () => {
  const mailmap = new Mailmap(Buffer.from("Proper <proper@x> <a@x>\n"));
  assert.equal(text(parse(HEADERS, "", mailmap).tagger?.name), "Proper");
});
