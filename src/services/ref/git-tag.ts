import { create } from "@bufbuild/protobuf";
import type { Mailmap } from "../../git/mailmap/mailmap.ts";
import type { GitObject } from "../../git/object/object-type.ts";
import { type Tag, TagSchema } from "../../proto/shared_pb.ts";
import { commitAuthor } from "../common/commit-author.ts";
import { MESSAGE_BYTES_MAX, signatureType } from "../common/git-commit.ts";

const NEWLINE = 0x0a;
const SPACE = 0x20;

/** The protocol's tag from an annotated tag, and what that says it tags. */
export interface ParsedTag {
  /** Without the commit. The message is whole: see `trimTagMessage`. */
  readonly tag: Tag;
  readonly object: string;
  readonly objectType: string;
}

/**
 * Reads an annotated tag. Nothing is refused: whatever a damaged one lacks is left out.
 *
 * @param name the reference's name without `refs/tags/`; an empty one means the tag's own
 */
export function gitTag(
  { oid, content }: GitObject,
  name: Buffer,
  mailmap: Mailmap | undefined,
): ParsedTag {
  const tag = create(TagSchema, { id: oid, name });
  const tagged = { object: "", objectType: "" };
  for (let line = 0; line < content.length; ) {
    const newline = content.indexOf(NEWLINE, line);
    const end = newline < 0 ? content.length : newline;
    if (end === line) {
      addMessage(tag, content.subarray(end + 1));
      break;
    }
    const space = content.indexOf(SPACE, line);
    if (space >= 0 && space < end) {
      const key = content.toString("latin1", line, space);
      addHeader(tag, tagged, key, content.subarray(space + 1, end), mailmap);
    }
    line = end + 1;
  }
  return { tag, ...tagged };
}

function addHeader(
  tag: Tag,
  tagged: { object: string; objectType: string },
  key: string,
  value: Buffer,
  mailmap: Mailmap | undefined,
): void {
  switch (key) {
    case "object":
      tagged.object = value.toString("latin1");
      break;
    case "type":
      tagged.objectType = value.toString("latin1");
      break;
    case "tag":
      if (tag.name.length === 0) tag.name = value;
      break;
    case "tagger":
      tag.tagger = commitAuthor(mailmap?.rewrite(value) ?? value);
  }
}

function addMessage(tag: Tag, message: Buffer): void {
  tag.message = message;
  tag.messageSize = BigInt(message.length);
  const signature = message.indexOf("-----BEGIN", 0, "latin1");
  if (signature <= 0) return;
  const end = message.indexOf(NEWLINE, signature);
  // The armor's first line is one only when another line follows.
  if (end < 0 || end === message.length - 1) return;
  tag.signatureType = signatureType(message.toString("latin1", signature, end));
}

/** Drops newlines at the end of the message, then what is too much for a reply. */
export function trimTagMessage(tag: Tag): void {
  let end = tag.message.length;
  while (end > 0 && tag.message[end - 1] === NEWLINE) end--;
  tag.message = tag.message.subarray(0, Math.min(end, MESSAGE_BYTES_MAX));
  tag.messageSize = BigInt(end);
}
