import { create } from "@bufbuild/protobuf";
import { CommitObject } from "../../git/object/commit-object.ts";
import type { GitObject } from "../../git/object/object-type.ts";
import { tagSignatureOffset } from "../../git/object/signature.ts";
import type { ObjectFormat } from "../../git/oid/oid.ts";
import {
  type CommitAuthor,
  CommitAuthorSchema,
  type GitCommit,
  GitCommitSchema,
} from "../../proto/shared_pb.ts";
import { commitDate } from "../common/commit-author.ts";
import { MESSAGE_BYTES_MAX, signatureType } from "../common/git-commit.ts";
import {
  asCString,
  findPerson,
  type PersonRole,
  personDate,
  personEmail,
  personName,
} from "./ref-atoms.ts";

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/**
 * The protocol's commit as `git for-each-ref` tells about what a reference points at.
 *
 * It differs from `gitCommit`: the subject is the whole first paragraph, the message begins with it
 * and its size is that of the part that is sent, encoding and signature aren't told, and whatever is
 * no commit fills in what it has. Throws an UnshowableDateError.
 */
export function listedCommit({ oid, type, content }: GitObject, format: ObjectFormat): GitCommit {
  const commit = create(GitCommitSchema, { id: oid });
  const isCommit = type === "commit";
  const text = isCommit || type === "tag" ? asCString(content) : undefined;
  commit.author = listedAuthor(isCommit ? text : undefined, "author");
  commit.committer = listedAuthor(isCommit ? text : undefined, "committer");
  if (text === undefined) return commit;
  const message = listedMessage(text);
  commit.subject = message.subject;
  commit.body = message.contents.subarray(0, MESSAGE_BYTES_MAX);
  commit.bodySize = BigInt(commit.body.length);
  commit.signatureType = signatureType(message.signature.replace(/\n$/, ""));
  if (isCommit) {
    const { tree, parents } = new CommitObject(content, format);
    commit.treeId = tree;
    commit.parentIds.push(...parents);
  }
  return commit;
}

function listedAuthor(content: Buffer | undefined, role: PersonRole): CommitAuthor {
  const person = content && findPerson(content, role);
  const date = person && personDate(person);
  return create(CommitAuthorSchema, {
    ...(person && { name: personName(person), email: personEmail(person) }),
    date: commitDate(date === undefined ? "" : String(date.seconds)),
    timezone: Buffer.from(date?.timezone ?? "", "latin1"),
  });
}

interface ListedMessage {
  /** `%(subject)` */
  readonly subject: Buffer;
  /** `%(contents)` */
  readonly contents: Buffer;
  /** `%(contents:signature)`, as latin1. */
  readonly signature: string;
}

function listedMessage(content: Buffer): ListedMessage {
  const start = messageStart(content);
  const contents = content.subarray(start);
  const signatureStart = tagSignatureOffset(contents);
  const paragraph = contents.indexOf("\n\n", 0, "latin1");
  const blank = paragraph < 0 ? contents.indexOf("\r\n\r\n", 0, "latin1") : paragraph;
  const end = blank < 0 ? signatureStart : Math.min(blank, signatureStart);
  const signature = content.toString("latin1", tagSignatureOffset(content));
  return { subject: joinLines(contents.subarray(0, end)), contents, signature };
}

/** After the headers and all empty lines. */
function messageStart(content: Buffer): number {
  let start = 0;
  while (start < content.length && content[start] !== NEWLINE) {
    const newline = content.indexOf(NEWLINE, start);
    start = newline < 0 ? content.length : newline + 1;
  }
  while (content[start] === NEWLINE) start++;
  return start;
}

function joinLines(paragraph: Buffer): Buffer {
  let end = paragraph.length;
  while (end > 0 && isLineEnd(paragraph[end - 1])) end--;
  const lines = paragraph.subarray(0, end);
  if (lines.indexOf(NEWLINE) < 0) return lines;
  return Buffer.from(lines.toString("latin1").replace(/\r?\n/g, " "), "latin1");
}

function isLineEnd(byte: number | undefined): boolean {
  return byte === NEWLINE || byte === CARRIAGE_RETURN;
}
