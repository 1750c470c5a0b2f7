import { compareTreeNames, TreeCursor } from "../object/tree-object.ts";
import type { ObjectFormat, Oid } from "../oid/oid.ts";
import { zeroOid } from "../oid/oid.ts";

/** What a tree needs to be there. */
export interface TreeLink {
  readonly oid: Oid;
  readonly type: "tree" | "blob";
  /** Whose content git looks into, for the place that it has. */
  readonly special: SpecialFile | undefined;
}

/** Files that git itself reads in a repository. */
export type SpecialFile = "gitattributes" | "gitmodules";

const TREE = 0o040000;
const SYMLINK = 0o120000;
const SUBMODULE = 0o160000;
const BLOB_MODES: ReadonlySet<number> = new Set([0o100644, 0o100755, SYMLINK]);

/** Longest name that nobody complains about (git-fsck: `largePathname`). */
const NAME_BYTES_MAX = 4096;

/**
 * Lists what a tree links to. Undefined for a tree that git might complain about (git-fsck), and for
 * some that it wouldn't. Throws `CorruptObjectError` when the content isn't a tree's.
 */
export function canonicalTreeLinks(content: Buffer, format: ObjectFormat): TreeLink[] | undefined {
  const links: TreeLink[] = [];
  const names = new Set<string>();
  const cursor = new TreeCursor(content, format);
  const zero = zeroOid(format);
  let last: { readonly mode: number; readonly name: Buffer } | undefined;
  let start = 0;
  while (cursor.next()) {
    const { mode, name, oid } = cursor;
    const text = name.toString("latin1");
    const type = typeOf(mode);
    if (type === undefined || oid === zero || names.has(text)) return undefined;
    // A mode has one spelling only.
    const spelling = content.toString("latin1", start, cursor.nameStart - 1);
    if (spelling !== mode.toString(8)) return undefined;
    if (last !== undefined && compareTreeNames(last, { mode, name }) >= 0) return undefined;
    const kind = kindOfName(text, mode);
    if (kind === "doubtful") return undefined;
    names.add(text);
    if (type !== "commit") links.push({ oid, type, special: kind });
    last = { mode, name };
    start = cursor.nameEnd + 1 + cursor.oidLength;
  }
  return start === content.length ? links : undefined;
}

function typeOf(mode: number): "tree" | "blob" | "commit" | undefined {
  if (mode === TREE) return "tree";
  if (mode === SUBMODULE) return "commit";
  return BLOB_MODES.has(mode) ? "blob" : undefined;
}

/** Names that file systems may take for those of git's own files are written in many ways. */
function kindOfName(name: string, mode: number): SpecialFile | "doubtful" | undefined {
  if (name === "" || name === "." || name === ".." || name.length > NAME_BYTES_MAX)
    return "doubtful";
  // Separators, alternate streams and short names, of which Windows knows more than one.
  if (/[/\\:\0]|~[0-9]/.test(name)) return "doubtful";
  const isFile = mode === 0o100644 || mode === 0o100755;
  if (name === ".gitattributes" && isFile) return "gitattributes";
  if (name === ".gitmodules" && isFile) return "gitmodules";
  // Some characters beyond ASCII count for nothing on macOS; dots and spaces in the end on Windows.
  const plain = name
    .replace(/[^\x20-\x7e]/g, "")
    .replace(/[ .]+$/, "")
    .toLowerCase();
  if (plain === ".git" || plain === ".gitattributes" || plain === ".gitmodules") return "doubtful";
  const isLinkToRefuse = plain === ".gitignore" || plain === ".mailmap";
  return isLinkToRefuse && !isFile ? "doubtful" : undefined;
}
