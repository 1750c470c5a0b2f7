import assert from "node:assert/strict";
import { test } from "node:test";
import type { ObjectType } from "../../git/object/object-type.ts";
import { parseOid } from "../../git/oid/oid.ts";
import { createTestRepository } from "../../testing/git-repository.ts";
import { listedCommit } from "./listed-commit.ts";

const FIELDS = [
  "objectname",
  "authorname",
  "subject",
  "authoremail",
  "authordate:unix",
  "authordate:format:%z",
  "committername",
  "contents",
  "committeremail",
  "committerdate:unix",
  "committerdate:format:%z",
  "tree",
  "parent",
];

const TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
const PARENT = "1".repeat(40);
const SIGNATURE = "-----BEGIN PGP SIGNATURE-----\n\nx\n-----END PGP SIGNATURE-----\n";

/** Commits, the odd ones among them as no git would write them. */
const COMMITS = [
  "author A <a@x> 1700000000 +0100\ncommitter B <b@x> 1700000001 -0030\n\nsubject\n\nbody\n",
  "author A <a@x> 1700000000 +0100\ncommitter B <b@x> 1 +0000\n\n\n\ntwo\r\nlines\n\n\nbody\n\n",
  "author A  <a@x> 1700000000 -1200\ncommitter <> 0 +0000\n\none line",
  "author A<a@x> 1700000000 +0100\ncommitter B <b@x 1 +0000\n\nsubject\r\n\r\nbody",
  "author A <a@x> 1700000000\ncommitter B <b@x>\n\nsubject\nmore\n",
  "author A <a@x> +1700000000 0100\ncommitter B <b@x> x +0100\n\nsubject\n",
  "author A <<a@x>> 1700000000 +01000\ncommitter B <b@x>  99999999999999 -9\n\nsubject\n",
  "author A <a@x> 99999999999999999999999 +0100\ncommitter B <b@x> 70000000000000000 +0100\n\n",
  "committer B <b@x> 1700000000 +0100\nauthor A <a@x> 1700000000 +0100\n\nsubject\n",
  "author\ncommitter\n\nsubject\n",
  "author A <a@x> 1 +0000\n\ncommitter B <b@x> 1 +0000\n",
  `author A <a@x> 1 +0000\ncommitter B <b@x> 1 +0000\n\nsubject\n${SIGNATURE}`,
  `author A <a@x> 1 +0000\ncommitter B <b@x> 1 +0000\nencoding x\n\nü \0 y\n`,
  "author Ä <ä@x> 1 +0000\ncommitter B <b@x> 1 +0000\ngpgsig -----BEGIN SSH SIGNATURE-----\n \n x\n\nm\n",
];

const OTHERS: readonly [ObjectType, string][] = [
  [
    "tag",
    `object ${TREE}\ntype tree\ntag v1\ntagger A <a@x> 1700000000 +0100\n\nsubject\n\nbody\n`,
  ],
  ["tag", `object ${TREE}\ntype tree\ntag v1\ntagger A <a@x> 1 +0100\n\nsubject\n${SIGNATURE}`],
  ["blob", "tree x\nauthor A <a@x> 1 +0000\n\nsubject\n"],
  ["tree", ""],
];

test("listedCommit tells what git for-each-ref tells", (t) => {
  const repository = createTestRepository(t);
  const objects: readonly (readonly [ObjectType, string])[] = [
    ...COMMITS.map((text) => ["commit", `tree ${TREE}\nparent ${PARENT}\n${text}`] as const),
    ["commit", `tree ${TREE}\n${COMMITS[0]}`],
    ["commit", `tree ${TREE}\nparent ${PARENT}\nparent ${PARENT}\n${COMMITS[0]}`],
    ...OTHERS,
  ];
  const format = `--format=${FIELDS.map((field) => `%(${field})`).join("%00")}`;
  for (const [type, input] of objects) {
    const args = ["hash-object", "-t", type, "-w", "--stdin", "--literally"];
    const oid = parseOid(repository.gitLine(args, { input }));
    assert.ok(oid);
    const content = repository.git(["cat-file", type, oid]);
    repository.git(["update-ref", "refs/odd/ref", oid]);
    const output = repository.git(["for-each-ref", format, "refs/odd"]).toString("latin1");
    const expected = output.slice(0, -1).split("\0").map(asClientsGetIt);
    assert.deepEqual(shown(listedCommit({ oid, type, content }, "sha1")), expected, input);
  }
});

/** Addresses come without their angle brackets, and times beyond 2^53 count as unreadable. */
function asClientsGetIt(field: string): string {
  if (/^[0-9]{17}$/.test(field)) return "";
  return field.replace(/^[<>]+|[<>]+$/g, "");
}

/** A commit in the words of FIELDS. */
function shown(commit: ReturnType<typeof listedCommit>): string[] {
  const latin1 = (bytes: Uint8Array | undefined): string =>
    Buffer.from(bytes ?? []).toString("latin1");
  const person = (author: typeof commit.author): string[] => {
    const seconds = author?.date?.seconds ?? 0n;
    const email = latin1(author?.email);
    const date = seconds > 2n ** 60n ? "" : String(seconds);
    return [latin1(author?.name), email, date, latin1(author?.timezone)];
  };
  const [name = "", email = "", date = "", zone = ""] = person(commit.author);
  const [name2 = "", email2 = "", date2 = "", zone2 = ""] = person(commit.committer);
  return [
    ...[commit.id, name, latin1(commit.subject), email, date, zone],
    ...[name2, latin1(commit.body), email2, date2, zone2],
    ...[commit.treeId, commit.parentIds.join(" ")],
  ];
}
