import assert from "node:assert/strict";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { Mailmap } from "../../git/mailmap/mailmap.ts";
import { zeroOid } from "../../git/oid/oid.ts";
import { type GitCommit, GitCommitSchema, SignatureType } from "../../proto/shared_pb.ts";
import { gitCommit } from "./git-commit.ts";
import { gitCommitSize } from "./message-size.ts";

const OID = zeroOid("sha1");
const UNREADABLE = 9223371974719179007n;

function parse(lines: readonly string[], mailmap?: Mailmap): GitCommit {
  return gitCommit(OID, Buffer.from(lines.join("\n"), "latin1"), mailmap);
}

function text(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString("latin1");
}

test("gitCommit takes everything from a commit", () => {
  const commit = parse([
    `tree ${"a".repeat(40)}`,
    `parent ${"b".repeat(40)}`,
    `parent ${"c".repeat(40)}`,
    "author A U Thor <author@example.com> 1700000000 +0100",
    "committer C\xff <c@example.com> 1700000001 -0030",
    "encoding ISO-8859-1",
    "",
    "subject\r",
    "",
    "body",
    "",
  ]);
  assert.equal(commit.id, OID);
  assert.equal(commit.treeId, "a".repeat(40));
  assert.deepEqual(commit.parentIds, ["b".repeat(40), "c".repeat(40)]);
  assert.equal(text(commit.author?.name), "A U Thor");
  assert.equal(text(commit.author?.email), "author@example.com");
  assert.equal(commit.author?.date?.seconds, 1700000000n);
  assert.equal(text(commit.author?.timezone), "+0100");
  assert.equal(text(commit.committer?.name), "C\xff");
  assert.equal(text(commit.committer?.timezone), "-0030");
  assert.equal(commit.encoding, "ISO-8859-1");
  assert.equal(text(commit.subject), "subject");
  assert.equal(text(commit.body), "subject\r\n\nbody\n");
  assert.equal(commit.bodySize, 15n);
  assert.equal(commit.signatureType, SignatureType.NONE);
});

test("gitCommit tells the type of a signature and ignores headers behind it", () => {
  const types = {
    "-----BEGIN PGP SIGNATURE-----": SignatureType.PGP,
    "-----BEGIN PGP MESSAGE-----": SignatureType.PGP,
    "-----BEGIN SIGNED MESSAGE-----": SignatureType.X509,
    "-----BEGIN SSH SIGNATURE-----": SignatureType.SSH,
    "something else": SignatureType.NONE,
  };
  for (const [line, type] of Object.entries(types)) {
    for (const key of ["gpgsig", "gpgsig-sha256"]) {
      const commit = parse([
        "tree a",
        `${key} ${line}`,
        " ",
        " x",
        "encoding UTF-8",
        "",
        "message",
      ]);
      assert.equal(commit.signatureType, type);
      assert.equal(commit.encoding, "");
      assert.equal(text(commit.body), "message");
    }
  }
});

test("gitCommit cuts a long message and tells its size", () => {
  const commit = parse(["", "x".repeat(20_000)]);
  assert.equal(commit.body.length, 10 * 1024);
  assert.equal(commit.bodySize, 20_000n);
  assert.equal(commit.subject.length, 20_000);
});

test("gitCommit makes do with damaged commits", () => {
  const cases: [string, string, string, bigint | undefined, string][] = [
    ["A <a@x> 12 +0000", "A", "a@x", 12n, "+0000"],
    ["A  <a@x>   12\t+0000 ", "A ", "a@x", 12n, "+0000"],
    ["A<a@x> 12", "A", "a@x", 12n, ""],
    ["A <a@x> 12 +0000 more", "A", "a@x", 12n, ""],
    ["A <a@x> x +0000", "A", "a@x", UNREADABLE, "+0000"],
    ["A <a@x> -1 +0000", "A", "a@x", UNREADABLE, "+0000"],
    ["A <a@x> 9007199254740992 +0000", "A", "a@x", 9007199254740992n, "+0000"],
    ["A <a@x> 9007199254740993 +0000", "A", "a@x", UNREADABLE, "+0000"],
    ["A <a@x> 11111111111111111111111 +0000", "A", "a@x", UNREADABLE, "+0000"],
    ["A <a@x> 000000000000000000000012 +0000", "A", "a@x", 12n, "+0000"],
    ["A <a@x>", "A", "a@x", undefined, ""],
    ["A <a@x", "A", "", undefined, ""],
    ["A ", "A", "", undefined, ""],
    ["<>", "", "", undefined, ""],
  ];
  for (const [line, name, email, seconds, timezone] of cases) {
    const { author } = parse([`author ${line}`, "", "message"]);
    assert.equal(text(author?.name), name, line);
    assert.equal(text(author?.email), email, line);
    assert.equal(author?.date?.seconds, seconds, line);
    assert.equal(text(author?.timezone), timezone, line);
  }
  assert.deepEqual(parse([]), create(GitCommitSchema, { id: OID }));
  assert.deepEqual(parse(["tree"]), create(GitCommitSchema, { id: OID }));
  assert.equal(parse(["tree a", "", ""]).bodySize, 0n);
});

test("gitCommit shows people as the mailmap says", () => {
  const mailmap = new Mailmap(Buffer.from("Proper <proper@x> <old@x>\n"));
  const lines = ["author A <old@x> 1 +0000", "committer B <b@x> 1 +0000", "", "Old <old@x>"];
  const { author, committer, body } = parse(lines, mailmap);
  assert.equal(text(author?.name), "Proper");
  assert.equal(text(author?.email), "proper@x");
  assert.equal(author?.date?.seconds, 1n);
  assert.equal(text(committer?.name), "B");
  assert.equal(text(body), "Old <old@x>");
});

test("gitCommitSize is the size of the encoded message", () => {
  const author = "author Ä <a@x> 1700000000 +0000";
  const commits = [
    parse([]),
    parse(["tree a", "parent b", "parent c", author, author.replace("author", "committer")]),
    parse([author, "", "x".repeat(200), "y".repeat(30_000)]),
    parse(["author x <x> -1 x", "encoding x", "gpgsig -----BEGIN SSH SIGNATURE-----", "", "m"]),
  ];
  const full = parse([author, "", "message"]);
  full.trailers.push({
    $typeName: "gitaly.CommitTrailer",
    key: Buffer.from("k"),
    value: Buffer.from(""),
  });
  full.referencedBy.push(Buffer.from("refs/heads/main"), Buffer.from(""));
  full.shortStats = create(GitCommitSchema, { shortStats: { additions: 300 } }).shortStats;
  for (const commit of [...commits, full]) {
    assert.equal(gitCommitSize(commit), toBinary(GitCommitSchema, commit).length);
  }
});
