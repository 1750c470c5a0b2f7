import type { Oid } from "../oid/oid.ts";
import type { Identity } from "./identity.ts";
import type { ObjectType } from "./object-type.ts";
import { isTreeMode } from "./tree-object.ts";

/** Values of a commit to be written. Nothing is cleaned up: callers pass what git would write. */
export interface NewCommit {
  readonly tree: Oid;
  readonly parents: readonly Oid[];
  readonly author: Required<Identity>;
  readonly committer: Required<Identity>;
  /** Written when given; absent means UTF-8. */
  readonly encoding?: string;
  /** Further headers in order, such as a signature; newlines in values are folded. */
  readonly headers?: readonly { readonly key: string; readonly value: Uint8Array }[];
  readonly message: Uint8Array;
}

/** Encodes a commit's content. */
export function encodeCommit(commit: NewCommit): Buffer {
  const parts: Uint8Array[] = [ascii(`tree ${commit.tree}\n`)];
  for (const parent of commit.parents) parts.push(ascii(`parent ${parent}\n`));
  parts.push(ascii("author "), encodeIdentity(commit.author));
  parts.push(ascii("\ncommitter "), encodeIdentity(commit.committer), NEWLINE);
  if (commit.encoding !== undefined) parts.push(ascii(`encoding ${commit.encoding}\n`));
  for (const { key, value } of commit.headers ?? [])
    parts.push(ascii(`${key} `), fold(value), NEWLINE);
  parts.push(NEWLINE, commit.message);
  return Buffer.concat(parts);
}

/** Values of an annotated tag to be written. */
export interface NewTag {
  readonly object: Oid;
  readonly objectType: ObjectType;
  readonly name: Uint8Array;
  readonly tagger: Required<Identity>;
  readonly message: Uint8Array;
}

/** Encodes a tag's content. */
export function encodeTag(tag: NewTag): Buffer {
  return Buffer.concat([
    ascii(`object ${tag.object}\ntype ${tag.objectType}\ntag `),
    tag.name,
    ascii("\ntagger "),
    encodeIdentity(tag.tagger),
    ascii("\n\n"),
    tag.message,
  ]);
}

/** One line of a tree to be written. */
export interface NewTreeEntry {
  readonly mode: number;
  readonly name: Uint8Array;
  readonly oid: Oid;
}

/** Encodes a tree's content. The entries may come in any order; their names have to differ. */
export function encodeTree(entries: readonly NewTreeEntry[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const { mode, name, oid } of entries.toSorted(compareEntries)) {
    parts.push(ascii(`${mode.toString(8)} `), name, NUL, Buffer.from(oid, "hex"));
  }
  return Buffer.concat(parts);
}

/** Git's order: by bytes, as if names of folders ended with a slash. */
function compareEntries(a: NewTreeEntry, b: NewTreeEntry): number {
  return Buffer.compare(sortKey(a), sortKey(b));
}

function sortKey({ mode, name }: NewTreeEntry): Uint8Array {
  return isTreeMode(mode) ? Buffer.concat([name, SLASH]) : name;
}

/** Encodes the value of an identity line. */
export function encodeIdentity({ name, email, date }: Required<Identity>): Buffer {
  const when = ascii(`> ${date.seconds} ${date.timezone}`);
  return Buffer.concat([name, ascii(" <"), email, when]);
}

const NEWLINE = Buffer.from("\n");
const NUL = Buffer.from("\0");
const SLASH = Buffer.from("/");

function ascii(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

/** A newline at the very end isn't folded; the header's own one replaces it. */
function fold(value: Uint8Array): Buffer {
  const text = Buffer.from(value.buffer, value.byteOffset, value.length).toString("latin1");
  return ascii(text.replace(/\n$/, "").replaceAll("\n", "\n "));
}
