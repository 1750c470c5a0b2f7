import assert from "node:assert/strict";
import { test } from "node:test";
import { toBinary } from "@bufbuild/protobuf";
import { Mailmap } from "../../git/mailmap/mailmap.ts";
import { type Oid, parseOid } from "../../git/oid/oid.ts";
import { binaryFromBytes } from "../../git/ref/binary-string.ts";
import { TagSchema } from "../../proto/shared_pb.ts";
import { gitCommit } from "../common/git-commit.ts";
import { MessageWriter } from "../common/message-writer.ts";
import { gitTag, trimTagMessage } from "./git-tag.ts";
import { writeTag } from "./write-tag.ts";

const MAILMAP = new Mailmap(Buffer.from("New Name <new@x> <a@x>\n"));
const PERSON = "A U Thor <a@x> 1700000000 +0100";
const ARMOR = "-----BEGIN PGP SIGNATURE-----";
const COMMIT = Buffer.from(
  `tree ${"a".repeat(40)}\nauthor ${PERSON}\ncommitter ${PERSON}\n\nsubject\n`,
);

const OID: Oid = id("e");

function id(digit: string): Oid {
  const oid = parseOid(digit.repeat(40));
  assert.ok(oid !== undefined);
  return oid;
}

function headers({ tagger = `tagger ${PERSON}\n`, type = "commit" } = {}): string {
  return `object ${"b".repeat(40)}\ntype ${type}\ntag its own name\n${tagger}`;
}

/** The tag in both ways; undefined when the short way leaves it to the other. */
function encoded(content: string, hasCommit: boolean, mailmap: Mailmap | undefined) {
  const tag = { oid: OID, type: "tag", content: Buffer.from(content) } as const;
  const oid = id("b");
  const commit = hasCommit ? ({ oid, type: "commit", content: COMMIT } as const) : undefined;
  const name = Buffer.from("näme");
  const { tag: message } = gitTag(tag, name, mailmap);
  trimTagMessage(message);
  if (hasCommit) message.targetCommit = gitCommit(oid, COMMIT, mailmap);
  const writer = new MessageWriter();
  const isWritten = writeTag(writer, { name: binaryFromBytes(name), tag, commit }, mailmap);
  const expected = Buffer.from(toBinary(TagSchema, message));
  return { expected, actual: isWritten ? writer.take() : undefined };
}

test("writeTag writes what gitTag makes of usual tags", () => {
  const messages = [
    "",
    "\n\n",
    "message",
    "message\n\n\n",
    "long ".repeat(5000),
    `signed\n${ARMOR}\nx\n`,
    `${ARMOR}\nx\n`,
    `x${ARMOR}`,
    `x${ARMOR}\n`,
    `x${ARMOR}\n\n`,
    "x-----BEGIN SSH SIGNATURE-----\ny",
    "x-----BEGIN SOMETHING-----\ny",
  ];
  for (const message of messages) {
    for (const type of ["commit", "tag", "blob"]) {
      for (const mailmap of [undefined, MAILMAP]) {
        const content = `${headers({ type })}\n${message}`;
        const { expected, actual } = encoded(content, type !== "blob", mailmap);
        assert.deepEqual(actual, expected, content.slice(0, 500));
      }
    }
  }
});

test("writeTag writes no other tags", () => {
  const contents = [
    "",
    headers(),
    headers().trimEnd(),
    `${headers({ tagger: "" })}\nmessage\n`,
    `${headers({ tagger: "tagger nobody\n" })}\nmessage\n`,
    `${headers({ tagger: `tagger ${PERSON}\nencoding latin1\n` })}\nmessage\n`,
    `type commit\nobject x\ntag y\ntagger ${PERSON}\n\nmessage\n`,
  ];
  for (const content of contents) {
    const { actual } = encoded(content, true, undefined);
    assert.equal(actual, undefined, content);
  }
});
