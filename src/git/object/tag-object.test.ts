import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestRepository } from "../../testing/git-repository.ts";
import type { ObjectFormat } from "../oid/oid.ts";
import { CorruptObjectError } from "./object-error.ts";
import { splitTagSignature } from "./signature.ts";
import { TagObject } from "./tag-object.ts";

const FORMATS: readonly ObjectFormat[] = ["sha1", "sha256"];

for (const format of FORMATS) {
  test(`a ${format} tag made by git reads back with all its fields`, (t) => {
    const repository = createTestRepository(t, { format });
    const tree = repository.gitLine(["hash-object", "-t", "tree", "-w", "--stdin"]);
    repository.git(["tag", "-a", "-m", "subject\n\nbody", "v1.0", tree]);

    const tag = new TagObject(repository.git(["cat-file", "tag", "v1.0"]), format);

    assert.equal(tag.object, tree);
    assert.equal(tag.objectType, "tree");
    assert.equal(tag.name.toString(), "v1.0");
    assert.equal(tag.tagger?.name.toString(), "C O Mitter");
    assert.equal(tag.message.toString(), "subject\n\nbody\n");
    assert.equal(tag.signature, undefined);
  });
}

const ID = "c".repeat(40);

test("a tag of 2005 has no tagger", () => {
  const tag = new TagObject(Buffer.from(`object ${ID}\ntype commit\ntag v0\n\nold\n`), "sha1");
  assert.equal(tag.tagger, undefined);
  assert.equal(tag.message.toString(), "old\n");
});

test("the last armor of a tag is its signature", () => {
  const head = `object ${ID}\ntype commit\ntag v1\ntagger A <a@b> 1 +0000\n`;
  const foreign = "gpgsig-sha256 -----BEGIN PGP SIGNATURE-----\n abc\n";
  const quoted = "-----BEGIN PGP SIGNATURE-----\nquoted\n";
  const armor = "-----BEGIN SSH SIGNATURE-----\nreal\n-----END SSH SIGNATURE-----\n";
  const content = Buffer.from(`${head}${foreign}\nmessage\n${quoted}${armor}`);

  assert.equal(new TagObject(content, "sha1").signature?.toString(), armor);
  const split = splitTagSignature(content);
  assert.equal(split?.signature.toString(), armor);
  assert.equal(split?.payload.toString(), `${head}\nmessage\n${quoted}`);
});

test("a tag with a broken object, type or name is corrupt", () => {
  const broken = [
    "",
    `object ${ID}`,
    `object ${ID.slice(1)}\ntype commit\ntag v\n`,
    `object ${ID}\ntype comet\ntag v\n`,
    `object ${ID}\ntype commit\n`,
    `object ${ID}\ntype commit\ntag v`,
  ];
  for (const content of broken) {
    assert.throws(() => new TagObject(Buffer.from(content), "sha1"), CorruptObjectError);
  }
});
