import { type ObjectType, parseObjectType } from "../object/object-type.ts";
import { type ObjectFormat, OID_HEX_LENGTH, type Oid, parseOid } from "../oid/oid.ts";
import { parseRefName } from "../ref/ref-name.ts";

/** What a commit or a tag needs to be there. */
export interface HeaderLink {
  readonly oid: Oid;
  readonly type: ObjectType;
}

/** Seconds since the epoch that every git can tell: year 9999. */
const SECONDS = "(?:0|[1-9][0-9]{0,11})";

/** A name, which may be empty, an address and a moment (git-fsck: `badName`, `badEmail`, `badDate`). */
const IDENTITY = `[^<>\\n\\0]* <[^<>\\n\\0]*> ${SECONDS} [+-][0-9]{4}`;

/** Nothing is said about these headers; each may go on in lines that begin with a space. */
const MORE_HEADERS = "(?:(?:encoding|gpgsig|gpgsig-sha256|mergetag) [^\\n]+\\n(?: [^\\n]*\\n)*)*";

const COMMIT = new RegExp(
  `^tree ([0-9a-f]+)\\n((?:parent [0-9a-f]+\\n)*)author ${IDENTITY}\\ncommitter ${IDENTITY}\\n${MORE_HEADERS}$`,
);

const TAG = new RegExp(
  `^object ([0-9a-f]+)\\ntype ([a-z]+)\\ntag ([^\\n]+)\\ntagger ${IDENTITY}\\n$`,
);

/**
 * Lists what a commit links to. Undefined for a commit that git might complain about (git-fsck), and
 * for some that it wouldn't.
 */
export function canonicalCommitLinks(
  content: Buffer,
  format: ObjectFormat,
): HeaderLink[] | undefined {
  const found = COMMIT.exec(headersOf(content) ?? "");
  if (found === null) return undefined;
  const [, tree = "", parents = ""] = found;
  const parentLinks = parents.split("\n").slice(0, -1);
  const links = [
    linkTo(tree, "tree", format),
    ...parentLinks.map((line) => linkTo(line.slice("parent ".length), "commit", format)),
  ];
  return allOf(links);
}

/** As `canonicalCommitLinks`, for an annotated tag. */
export function canonicalTagLinks(content: Buffer, format: ObjectFormat): HeaderLink[] | undefined {
  const found = TAG.exec(headersOf(content) ?? "");
  if (found === null) return undefined;
  const [, oid = "", typeName = "", name = ""] = found;
  const type = parseObjectType(typeName);
  if (type === undefined || !/^[A-Za-z0-9._/-]+$/.test(name)) return undefined;
  if (parseRefName(`refs/tags/${name}`) === undefined) return undefined;
  return allOf([linkTo(oid, type, format)]);
}

/** The lines before the empty one, which has to be there. A NUL anywhere is an offence. */
function headersOf(content: Buffer): string | undefined {
  if (content.includes(0)) return undefined;
  const end = content.indexOf("\n\n");
  return end < 0 || end > HEADERS_BYTES_MAX ? undefined : content.toString("latin1", 0, end + 1);
}

/** Headers beyond this are left to git. */
const HEADERS_BYTES_MAX = 64 * 1024;

function linkTo(hex: string, type: ObjectType, format: ObjectFormat): HeaderLink | undefined {
  const oid = hex.length === OID_HEX_LENGTH[format] ? parseOid(hex) : undefined;
  return oid && { oid, type };
}

function allOf(links: readonly (HeaderLink | undefined)[]): HeaderLink[] | undefined {
  const known = links.filter((link) => link !== undefined);
  return known.length === links.length ? known : undefined;
}
