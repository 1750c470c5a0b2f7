import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestRepository } from "../../testing/git-repository.ts";
import type { ObjectFormat } from "../oid/oid.ts";
import { CommitObject, parseCommitLinks } from "./commit-object.ts";
import { CorruptObjectError } from "./object-error.ts";
import { hashObject } from "./object-hash.ts";
import { splitCommitSignature } from "./signature.ts";

const FORMATS: readonly ObjectFormat[] = ["sha1", "sha256"];

function hexId(format: ObjectFormat, digit: string): string {
  return digit.repeat(format === "sha1" ? 40 : 64);
}

for (const format of FORMATS) {
  test(`a ${format} commit made by git reads back with all its fields`, (t) => {
    const repository = createTestRepository(t, { format });
    const tree = repository.gitLine(["hash-object", "-t", "tree", "-w", "--stdin"]);
    const first = repository.gitLine(["commit-tree", tree, "-m", "first"]);
    const second = repository.gitLine(["commit-tree", tree, "-p", first, "-m", "other"]);
    const merge = repository.gitLine(["commit-tree", tree, "-p", first, "-p", second], {
      input: "a merge\n\nwith a body\n",
      env: { GIT_AUTHOR_NAME: "Zoë", GIT_AUTHOR_DATE: "1600000000 -0330" },
    });
    const content = repository.git(["cat-file", "commit", merge]);

    const commit = new CommitObject(content, format);

    assert.equal(commit.tree, tree);
    assert.deepEqual(commit.parents, [first, second]);
    assert.equal(commit.committedAt, 1_700_000_000);
    assert.equal(commit.author?.name.toString("utf8"), "Zoë");
    assert.equal(commit.author?.email.toString("utf8"), "author@example.com");
    assert.deepEqual(commit.author?.date, { seconds: 1_600_000_000n, timezone: "-0330" });
    assert.equal(commit.committer?.date?.timezone, "+0000");
    assert.equal(commit.encoding, undefined);
    assert.equal(commit.message.toString("utf8"), "a merge\n\nwith a body\n");
    assert.equal(hashObject("commit", content, format), merge);
  });

  test(`a ${format} commit without its tree or with a cut parent is corrupt`, () => {
    const tree = `tree ${hexId(format, "a")}\n`;
    const parent = `parent ${hexId(format, "b")}`;
    const broken = [
      "",
      tree.slice(0, 20),
      tree,
      `${tree.replace("tree", "Tree")}author`,
      `tree ${"z".repeat(hexId(format, "a").length)}\nauthor`,
      `${tree}${parent} \nauthor A <a> 1 +0000\n`,
      `${tree}${parent.replace("b", "x")}\nauthor A <a> 1 +0000\n`,
    ];
    for (const content of broken) {
      assert.throws(() => parseCommitLinks(Buffer.from(content), format), CorruptObjectError);
    }
  });
}

test("the commit time is read as leniently as git's walks read it", (t) => {
  const repository = createTestRepository(t);
  const tree = repository.gitLine(["hash-object", "-t", "tree", "-w", "--stdin"]);
  const lines: readonly [string, number][] = [
    ["committer C <c@d> 1234567890 +0000", 1_234_567_890],
    ["committer C <c@d> 1234567890", 1_234_567_890],
    ["committer C <c@d>1234567890 +0000", 1_234_567_890],
    ["committer C <c@d> 123foo456 +0000", 123],
    ["committer C <c>@d> 42 +0000", 42],
    ["committer C <c@d> yesterday", 0],
    ["committer C <c@d>", 0],
    ["committer C 77 +0000", 0],
    ["commiter C <c@d> 77 +0000", 0],
    ["committer C <c@d> \t 99 +0000", 99],
    ["committer", 0],
  ];
  for (const [line, expected] of lines) {
    const content = Buffer.from(`tree ${tree}\nauthor A <a@b> 1 +0000\n${line}\n\nmessage\n`);
    assert.equal(parseCommitLinks(content, "sha1").committedAt, expected, line);
    const write = ["hash-object", "-t", "commit", "-w", "--literally", "--stdin"];
    const oid = repository.gitLine(write, { input: content });
    const shown = repository.gitLines(["rev-list", "--timestamp", "-1", oid])[0]?.split(" ")[0];
    assert.equal(Number(shown), expected, `git on: ${line}`);
  }
});

test("headers come unfolded, and merge tags with them", () => {
  const id = hexId("sha1", "a");
  const tag = `object ${id}\ntype commit\ntag v1\n\nthe tag\n`;
  const content = Buffer.from(
    `tree ${id}\nauthor A <a@b> 1 +0000\ncommitter C <c@d> 2 +0000\nencoding ISO-8859-1\n` +
      `mergetag ${tag.replaceAll(/\n(?=.|\n)/g, "\n ")}odd\n\nencoding message\n`,
  );
  const commit = new CommitObject(content, "sha1");
  assert.deepEqual(
    [...commit.headers()].map(({ key }) => key),
    ["tree", "author", "committer", "encoding", "mergetag", "odd"],
  );
  assert.deepEqual(commit.mergeTags().map(String), [tag]);
  assert.equal(commit.encoding?.toString(), "ISO-8859-1");
  assert.equal(commit.message.toString(), "encoding message\n");
});

test("a commit's signature is split from what was signed, per object format", () => {
  const id = hexId("sha1", "a");
  const head = `tree ${id}\nauthor A <a@b> 1 +0000\ncommitter C <c@d> 2 +0000\n`;
  const own = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n abc\n -----END PGP SIGNATURE-----\n";
  const other = "gpgsig-sha256 -----BEGIN SSH SIGNATURE-----\n xyz\n -----END SSH SIGNATURE-----\n";
  const message = "\nsubject\n\ngpgsig in the message\n indented\n";
  const content = Buffer.from(`${head}${own}${other}x-after 1\n${message}`);

  const sha1 = splitCommitSignature(content, "sha1");
  assert.equal(
    sha1?.signature.toString(),
    "-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n",
  );
  assert.equal(sha1?.payload.toString(), `${head}x-after 1\n${message}`);

  const sha256 = splitCommitSignature(content, "sha256");
  assert.match(sha256?.signature.toString() ?? "", /^-----BEGIN SSH SIGNATURE-----\nxyz\n/);
  assert.equal(sha256?.payload.toString(), sha1?.payload.toString());

  assert.equal(splitCommitSignature(Buffer.from(head + message), "sha1"), undefined);
});
