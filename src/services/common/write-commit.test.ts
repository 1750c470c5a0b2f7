import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { Mailmap } from "../../git/mailmap/mailmap.ts";
import { type Oid, parseOid } from "../../git/oid/oid.ts";
import { BranchSchema, GitCommitSchema } from "../../proto/shared_pb.ts";
import { gitCommit } from "./git-commit.ts";
import { MessageWriter } from "./message-writer.ts";
import { writeCommit } from "./write-commit.ts";

const MAILMAP = new Mailmap(Buffer.from("New Name <new@x> <a@x>\nOnly Name <c@x>\n"));

const PERSONS = [
  "A U Thor <a@x> 1700000000 +0100",
  "C O Mitter <c@x> 0 -0000",
  "ünï <> 999999999999999 +1400",
  "<c@x> 5 +0000",
  " <b@x> 5 +0000",
  "double  <b@x> 5 +0000",
  "none",
  "open <b@x",
  "b <b@x>",
  "b <b@x> 17",
  "b <b@x> 17 +00",
  "b <b@x> +17 +0000",
  "b <b@x> 17 +00000",
  "b <b@x> 17  +0000",
  "b <b@x>17 +0000",
  "b <b@x> -1 +0000",
  "b <b@x> 12345678901234567890 +0000",
  "b <b@x> 17 +0000 more",
  "b <b@<y> z> 17 +0000",
  "b >c< <b@x> 17 +0000",
];

const MESSAGES = [
  "",
  "\n",
  "subject",
  "subject\n",
  "subject\r\r\n\nbody\n",
  "\nempty subject\n",
  `${"long ".repeat(5000)}\nrest\n`,
];

const SIGNATURE = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n";

/** Headers behind those of the committer. */
const EXTRA_HEADERS = [
  "",
  SIGNATURE,
  `${SIGNATURE}encoding latin1\nauthor Other <o@x> 1 +0000\n`,
  SIGNATURE.replace("gpgsig", "gpgsig-sha256"),
  "gpgsig -----BEGIN SSH SIGNATURE-----\n",
  "encoding ISO-8859-1\n",
  "mergetag object 1\n x\n",
  "committer Other <o@x> 1 +0000\n",
];

function* contents(digits: number): Generator<string, void, undefined> {
  const tree = "a".repeat(digits);
  const parents = ["b", "c", "d"].map((digit) => `parent ${digit.repeat(digits)}\n`);
  const [usual = "", other = ""] = PERSONS;
  const people = `author ${usual}\ncommitter ${other}\n`;
  for (const person of PERSONS) {
    yield `tree ${tree}\nauthor ${person}\ncommitter ${usual}\n\nmessage\n`;
    yield `tree ${tree}\nauthor ${usual}\ncommitter ${person}\n\nmessage\n`;
  }
  for (const message of MESSAGES) {
    for (const extra of EXTRA_HEADERS) {
      yield `tree ${tree}\n${parents.join("")}${people}${extra}\n${message}`;
      yield `tree ${tree}\n${parents[0]}${people}${extra}${message}`;
    }
  }
  yield "";
  yield `tree ${tree}`;
  yield `tree ${tree.slice(1)}\n${people}\nshort`;
  yield `tree ${tree}f\n${people}\nlong`;
  yield `tree ${"ä".repeat(digits / 2)}\n${people}\nnot ASCII`;
  yield `tree ${tree}\nparent b\n${people}\nshort parent`;
  yield `tree ${tree}\n${people}`;
  yield `${people}tree ${tree}\n${parents.join("")}\nother order`;
  yield `tree ${tree}\nauthor ${usual}`;
  yield `tree ${tree}\n${people.trimEnd()}`;
}

function id(digits: number): Oid {
  const oid = parseOid("e".repeat(digits));
  assert.ok(oid !== undefined);
  return oid;
}

/** The commit in a field of a larger message. */
function written(oid: Oid, content: Buffer, mailmap: Mailmap | undefined): Uint8Array {
  const writer = new MessageWriter();
  writeCommit(writer, 2, oid, content, mailmap);
  const { targetCommit } = fromBinary(BranchSchema, writer.take());
  assert.ok(targetCommit !== undefined);
  return toBinary(GitCommitSchema, targetCommit);
}

test("writeCommit writes what gitCommit makes of a commit", () => {
  for (const digits of [40, 64]) {
    const oid = id(digits);
    for (const content of contents(digits)) {
      const bytes = Buffer.from(content);
      for (const mailmap of [undefined, MAILMAP]) {
        const expected = toBinary(GitCommitSchema, gitCommit(oid, bytes, mailmap));
        assert.deepEqual(written(oid, bytes, mailmap), expected, content.slice(0, 500));
      }
    }
  }
});

test("writeCommit leaves alone what was written before", () => {
  const writer = new MessageWriter();
  const oid = id(40);
  const content = Buffer.from(`tree ${"a".repeat(40)}\nauthor none\ncommitter none\n\nsubject`);
  writer.bytes(3, Buffer.alloc(100_000, "x"));
  const { length } = writer;
  writeCommit(writer, 2, oid, content, undefined);
  assert.ok(writer.length > length);
  const bytes = writer.take();
  assert.equal(writer.length, 0);
  assert.equal(bytes.subarray(-100_000).toString(), "x".repeat(100_000));
});
