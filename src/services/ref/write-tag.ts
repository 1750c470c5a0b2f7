import type { Mailmap } from "../../git/mailmap/mailmap.ts";
import { indexOfNear, isTextAt } from "../../git/object/byte-text.ts";
import type { GitObject } from "../../git/object/object-type.ts";
import { MESSAGE_BYTES_MAX, signatureType } from "../common/git-commit.ts";
import type { MessageWriter } from "../common/message-writer.ts";
import { writeCommit, writePerson } from "../common/write-commit.ts";

const NEWLINE = 0x0a;

/** A reference and the objects that a tag is made of. */
export interface TagParts {
  /** The reference's name without `refs/tags/`, a binary string. */
  readonly name: string;
  readonly tag: GitObject;
  /** What the tag leads to, when that is a commit. */
  readonly commit: GitObject | undefined;
}

/**
 * Writes the protocol's tag with a message as `trimTagMessage` leaves it, when it looks like nearly
 * all annotated tags do.
 *
 * @returns false when it doesn't; then what was written has to be taken back
 */
export function writeTag(
  writer: MessageWriter,
  { name, tag, commit }: TagParts,
  mailmap: Mailmap | undefined,
): boolean {
  const { oid, content } = tag;
  const tagger = findTagger(content);
  if (tagger === undefined) return false;
  const taggerEnd = indexOfNear(content, NEWLINE, tagger);
  if (taggerEnd < 0 || content[taggerEnd + 1] !== NEWLINE) return false;
  const message = taggerEnd + 2;
  let end = content.length;
  while (end > message && content[end - 1] === NEWLINE) end--;
  writer.number(7, tagSignatureType(content, message));
  if (!writePerson(writer, 6, content, tagger, taggerEnd, mailmap)) return false;
  writer.number(5, end - message);
  writer.bytes(4, content, message, Math.min(end, message + MESSAGE_BYTES_MAX));
  if (commit !== undefined) writeCommit(writer, 3, commit.oid, commit.content, mailmap);
  writer.binary(2, oid);
  writer.binary(1, name);
  return name.length > 0;
}

/** Finds the value of the tagger's line behind those of object, type and name. */
function findTagger(content: Buffer): number | undefined {
  let line = 0;
  for (const key of ["object ", "type ", "tag "]) {
    if (!isTextAt(content, line, key)) return undefined;
    line = indexOfNear(content, NEWLINE, line) + 1;
    if (line === 0) return undefined;
  }
  return isTextAt(content, line, "tagger ") ? line + "tagger ".length : undefined;
}

/** The first armor behind the message's first byte counts when another line follows. */
function tagSignatureType(content: Buffer, message: number): number {
  const start = content.indexOf("-----BEGIN", message, "latin1");
  if (start <= message) return 0;
  const end = content.indexOf(NEWLINE, start);
  if (end < 0 || end === content.length - 1) return 0;
  return signatureType(content.toString("latin1", start, end));
}
