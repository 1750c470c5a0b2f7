import { toBinary } from "@bufbuild/protobuf";
import type { Mailmap } from "../../git/mailmap/mailmap.ts";
import { indexOfNear, isTextAt } from "../../git/object/byte-text.ts";
import type { Oid } from "../../git/oid/oid.ts";
import { GitCommitSchema, SignatureType } from "../../proto/shared_pb.ts";
import { gitCommit, MESSAGE_BYTES_MAX, signatureType } from "./git-commit.ts";
import type { MessageWriter } from "./message-writer.ts";

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const LESS_THAN = 0x3c;
const GREATER_THAN = 0x3e;

/**
 * Writes what `gitCommit` makes of a commit as a message in a field: at once where it looks like
 * nearly all commits do, else the long way. Returns the size of the message in bytes.
 */
export function writeCommit(
  writer: MessageWriter,
  field: number,
  oid: Oid,
  content: Buffer,
  mailmap: Mailmap | undefined,
): number {
  const { length } = writer;
  const layout = findLayout(content, oid.length);
  if (layout === undefined || !writeFields(writer, oid, content, layout, mailmap)) {
    writer.truncate(length);
    writer.raw(toBinary(GitCommitSchema, gitCommit(oid, content, mailmap)));
  }
  const size = writer.length - length;
  writer.message(field, length);
  return size;
}

/** Where things begin in a commit. */
interface CommitLayout {
  readonly parents: number;
  readonly author: number;
  readonly committer: number;
  /** The message, or the content's length. */
  readonly message: number;
  readonly signatureType: SignatureType;
}

/** Finds tree, parents, author, committer, and maybe a signature, in this order and no more. */
function findLayout(content: Buffer, hexLength: number): CommitLayout | undefined {
  const parents = "tree ".length + hexLength + 1;
  if (!isTextAt(content, 0, "tree ") || !isIdLine(content, parents, hexLength)) return undefined;
  let author = parents;
  while (isTextAt(content, author, "parent ")) {
    author += "parent ".length + hexLength + 1;
    if (!isIdLine(content, author, hexLength)) return undefined;
  }
  if (!isTextAt(content, author, "author ")) return undefined;
  const committer = indexOfNear(content, NEWLINE, author) + 1;
  if (committer === 0 || !isTextAt(content, committer, "committer ")) return undefined;
  const end = indexOfNear(content, NEWLINE, committer) + 1;
  if (end === 0) return undefined;
  if (content[end] === NEWLINE) {
    return { parents, author, committer, message: end + 1, signatureType: SignatureType.NONE };
  }
  if (!isTextAt(content, end, "gpgsig ")) return undefined;
  const blank = content.indexOf("\n\n", end, "latin1");
  if (blank < 0) return undefined;
  const first = content.toString("latin1", end + "gpgsig ".length, content.indexOf(NEWLINE, end));
  return { parents, author, committer, message: blank + 2, signatureType: signatureType(first) };
}

/** Whether the line that ends at `end` has an id, or other ASCII text as long as one, at its end. */
function isIdLine(content: Buffer, end: number, hexLength: number): boolean {
  if (content[end - 1] !== NEWLINE) return false;
  for (let index = end - 1 - hexLength; index < end - 1; index++) {
    const byte = content[index] ?? NEWLINE;
    if (byte >= 128 || byte === NEWLINE) return false;
  }
  return true;
}

function writeFields(
  writer: MessageWriter,
  oid: Oid,
  content: Buffer,
  { parents, author, committer, message, signatureType: signature }: CommitLayout,
  mailmap: Mailmap | undefined,
): boolean {
  const hexLength = oid.length;
  writer.bytes(9, content, "tree ".length, parents - 1);
  writer.number(8, signature);
  writer.number(7, content.length - message);
  const parentLine = "parent ".length + hexLength + 1;
  for (let line = author - parentLine; line >= parents; line -= parentLine) {
    writer.bytes(6, content, line + "parent ".length, line + parentLine - 1);
  }
  const authorEnd = committer - 1;
  const committerEnd = indexOfNear(content, NEWLINE, committer);
  const [authorStart, committerStart] = [
    author + "author ".length,
    committer + "committer ".length,
  ];
  if (!writePerson(writer, 5, content, committerStart, committerEnd, mailmap)) return false;
  if (!writePerson(writer, 4, content, authorStart, authorEnd, mailmap)) return false;
  writer.bytes(3, content, message, Math.min(content.length, message + MESSAGE_BYTES_MAX));
  writer.bytes(2, content, message, subjectEnd(content, message));
  writer.binary(1, oid);
  return true;
}

function subjectEnd(content: Buffer, message: number): number {
  const newline = indexOfNear(content, NEWLINE, message);
  let end = newline < 0 ? content.length : newline;
  while (end > message && content[end - 1] === CARRIAGE_RETURN) end--;
  return end;
}

/**
 * Writes what `commitAuthor` makes of the value of an `author`, `committer` or `tagger` line.
 *
 * @returns false when it doesn't look as usual; then what was written has to be taken back
 */
export function writePerson(
  writer: MessageWriter,
  field: number,
  content: Buffer,
  from: number,
  to: number,
  mailmap: Mailmap | undefined,
): boolean {
  const open = indexOfNear(content, LESS_THAN, from);
  const close = open < 0 ? -1 : indexOfNear(content, GREATER_THAN, open + 1);
  if (close < 0 || close >= to) return false;
  const { length } = writer;
  if (!writeDate(writer, content, close + 1, to)) return false;
  const person = mailmap?.findPerson(content, from, close);
  if (person === undefined) writeName(writer, content, from, open, close);
  else writeName(writer, person, 0, person.indexOf(LESS_THAN), person.length);
  writer.message(field, length);
  return true;
}

function writeDate(writer: MessageWriter, line: Buffer, from: number, to: number): boolean {
  const zone = to - TIMEZONE_BYTES;
  const seconds = parseSeconds(line, from + 1, zone - 1);
  if (seconds === undefined || line[from] !== SPACE || line[zone - 1] !== SPACE) return false;
  if (!isTimezone(line, zone)) return false;
  writer.bytes(4, line, zone, to);
  const { length } = writer;
  writer.number(1, seconds);
  writer.message(3, length);
  return true;
}

/** An address between two offsets, and in front of its bracket a name, which loses one blank. */
function writeName(
  writer: MessageWriter,
  line: Buffer,
  from: number,
  open: number,
  close: number,
): void {
  writer.bytes(2, line, open + 1, close);
  writer.bytes(1, line, from, open > from && line[open - 1] === SPACE ? open - 1 : open);
}

/** A sign and four digits. */
const TIMEZONE_BYTES = 5;

function isTimezone(line: Buffer, start: number): boolean {
  const sign = line[start];
  return (sign === 0x2b || sign === 0x2d) && parseSeconds(line, start + 1, start + 5) !== undefined;
}

/** Reads 1 to 15 digits. */
function parseSeconds(line: Buffer, from: number, to: number): number | undefined {
  if (to <= from || to - from > 15) return undefined;
  let value = 0;
  for (let index = from; index < to; index++) {
    const digit = (line[index] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return value;
}
