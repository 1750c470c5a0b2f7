import { type ObjectFormat, OID_HEX_LENGTH, type Oid } from "../oid/oid.ts";
import { isTextAt } from "./byte-text.ts";
import { type Identity, parseCommitTime, parseIdentity } from "./identity.ts";
import { CorruptObjectError } from "./object-error.ts";
import { findHeader, type HeaderLine, headerLines, messageOffset } from "./object-headers.ts";
import { parseOidAt } from "./oid-bytes.ts";

const NEWLINE = 0x0a;

/** What a walk through history needs of a commit. */
export interface CommitLinks {
  readonly tree: Oid;
  readonly parents: readonly Oid[];
  /** The time by which git orders commits, in seconds; 0 when the commit has none that is legible. */
  readonly committedAt: number;
}

/**
 * Reads the tree, the parents and the commit time from a commit's content.
 *
 * As strict as git: the tree and parent lines must be whole and in their place, everything after
 * them may be broken. Throws `CorruptObjectError`.
 */
export function parseCommitLinks(content: Buffer, format: ObjectFormat): CommitLinks {
  const { tree, parents, end } = parseLinkLines(content, format);
  return { tree, parents, committedAt: parseCommitTime(content, end) };
}

interface LinkLines {
  readonly tree: Oid;
  readonly parents: readonly Oid[];
  /** Where the headers after the parents begin. */
  readonly end: number;
}

function parseLinkLines(content: Buffer, format: ObjectFormat): LinkLines {
  const hexLength = OID_HEX_LENGTH[format];
  const tree = linkAt(content, 0, "tree ", format);
  if (tree === undefined) throw new CorruptObjectError("bogus commit object");
  const parents: Oid[] = [];
  let offset = "tree ".length + hexLength + 1;
  const parentLength = "parent ".length + hexLength;
  while (offset + parentLength < content.length && isTextAt(content, offset, "parent ")) {
    const parent = linkAt(content, offset, "parent ", format);
    if (parent === undefined) throw new CorruptObjectError("bad parents in commit");
    parents.push(parent);
    offset += parentLength + 1;
  }
  return { tree, parents, end: offset };
}

/** The id of a line like `tree <id>\n`. Git wants at least one more byte after the line. */
function linkAt(
  content: Buffer,
  offset: number,
  prefix: string,
  format: ObjectFormat,
): Oid | undefined {
  const end = offset + prefix.length + OID_HEX_LENGTH[format];
  if (end + 1 >= content.length || content[end] !== NEWLINE) return undefined;
  if (!isTextAt(content, offset, prefix)) return undefined;
  return parseOidAt(content, offset + prefix.length, format);
}

/**
 * A commit, read from its content piece by piece as it is asked for.
 *
 * Only the tree and the parents must be well-formed, as for git; a missing or broken author, date
 * or encoding is absent from the result. All byte fields are views into the content.
 */
export class CommitObject {
  readonly content: Buffer;
  readonly tree: Oid;
  readonly parents: readonly Oid[];
  readonly #linksEnd: number;

  /** Throws `CorruptObjectError` when tree or parents can't be read. */
  constructor(content: Buffer, format: ObjectFormat) {
    const links = parseLinkLines(content, format);
    this.content = content;
    this.tree = links.tree;
    this.parents = links.parents;
    this.#linksEnd = links.end;
  }

  /** See `CommitLinks`. */
  get committedAt(): number {
    return parseCommitTime(this.content, this.#linksEnd);
  }

  /** Value of the first `author` line, as it stands there. */
  get authorLine(): Buffer | undefined {
    return findHeader(this.content, "author");
  }

  /** Value of the first `committer` line, as it stands there. */
  get committerLine(): Buffer | undefined {
    return findHeader(this.content, "committer");
  }

  get author(): Identity | undefined {
    const line = this.authorLine;
    return line === undefined ? undefined : parseIdentity(line);
  }

  get committer(): Identity | undefined {
    const line = this.committerLine;
    return line === undefined ? undefined : parseIdentity(line);
  }

  /** Character encoding of names and message when the commit names one; UTF-8 otherwise. */
  get encoding(): Buffer | undefined {
    return findHeader(this.content, "encoding");
  }

  /** Everything after the first empty line; empty when there is none. */
  get message(): Buffer {
    return this.content.subarray(messageOffset(this.content));
  }

  /** All header lines in order, values unfolded: `gpgsig`, `mergetag` and unknown ones too. */
  headers(): IterableIterator<HeaderLine> {
    return headerLines(this.content);
  }

  /** The signed tags that this merge took in, as the content of their tag objects. */
  mergeTags(): Buffer[] {
    const tags: Buffer[] = [];
    for (const { key, value } of this.headers()) if (key === "mergetag") tags.push(value);
    return tags;
  }
}
