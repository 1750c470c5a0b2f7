import { binaryFromText, bytesFromBinary } from "../../git/ref/binary-string.ts";

/** What stands in front of a file, folder or link in a tar archive, see pax(1). */
export interface TarEntry {
  /** A binary string; a folder's ends in a slash. */
  readonly name: string;
  /** What a symbolic link leads to, a binary string. Undefined for what is none. */
  readonly linkName?: string | undefined;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Binary strings; empty for accounts without a name. */
  readonly userName?: string;
  readonly groupName?: string;
  /** Bytes of the content that follows. */
  readonly size: number;
  /** Seconds since 1970. */
  readonly mtime: number;
}

/** Headers and contents are filled up to a multiple of this. */
export const TAR_BLOCK_BYTES: number = 512;

/** What ends an archive. */
export const TAR_END: Buffer = Buffer.alloc(2 * TAR_BLOCK_BYTES);

const NAME_BYTES = 100;
const PREFIX_BYTES = 155;
const ACCOUNT_BYTES = 32;

/** More than these octal digits can tell; the old header has no room for it. */
const SIZE_MAX = 8 ** 11 - 1;
const ACCOUNT_MAX = 8 ** 7 - 1;

const FILE = "0";
const LINK = "2";
const FOLDER = "5";
const EXTENDED = "x";

/** Encodes the header of an entry, with an extended one in front if its values need that. */
export function tarHeader(entry: TarEntry): Buffer {
  const split = splitName(entry.name);
  const records = extendedRecords(entry, split === undefined);
  const size = entry.size > SIZE_MAX ? 0 : entry.size;
  const place = split ?? { prefix: "", name: entry.name.slice(0, NAME_BYTES) };
  const header = encodeHeader({ ...entry, size, ...place }, typeOf(entry));
  if (records === "") return header;
  const base = entry.name.replace(/\/$/, "").split("/").at(-1) ?? "";
  const name = `PaxHeaders.0/${base}`.slice(0, NAME_BYTES);
  const extended = { name, prefix: "", mode: 0, uid: 0, gid: 0, size: records.length, mtime: 0 };
  const content = bytesFromBinary(records);
  return Buffer.concat([
    encodeHeader(extended, EXTENDED),
    content,
    tarPadding(content.length),
    header,
  ]);
}

/** What the old header can't tell, in the order of the keys. */
function extendedRecords(entry: TarEntry, isLongName: boolean): string {
  const { uid, gid, size, linkName = "", userName = "", groupName = "" } = entry;
  return [
    gid > ACCOUNT_MAX ? record("gid", String(gid)) : "",
    fits(groupName, ACCOUNT_BYTES) ? "" : record("gname", groupName),
    fits(linkName, NAME_BYTES) ? "" : record("linkpath", linkName),
    isLongName ? record("path", entry.name) : "",
    size > SIZE_MAX ? record("size", String(size)) : "",
    uid > ACCOUNT_MAX ? record("uid", String(uid)) : "",
    fits(userName, ACCOUNT_BYTES) ? "" : record("uname", userName),
  ].join("");
}

function typeOf({ name, linkName }: TarEntry): string {
  if (linkName !== undefined) return LINK;
  return name.endsWith("/") ? FOLDER : FILE;
}

/** What fills up the last block of a content. */
export function tarPadding(size: number): Buffer {
  return TAR_END.subarray(0, (TAR_BLOCK_BYTES - (size % TAR_BLOCK_BYTES)) % TAR_BLOCK_BYTES);
}

interface SplitName {
  readonly prefix: string;
  readonly name: string;
}

/** Long names are cut at a slash; undefined when that doesn't help, or they aren't ASCII. */
function splitName(name: string): SplitName | undefined {
  if (fits(name, NAME_BYTES)) return { prefix: "", name };
  if (!fits(name, Infinity)) return undefined;
  const cut = name.lastIndexOf("/", Math.min(PREFIX_BYTES, name.length - 2));
  const rest = name.length - cut - 1;
  if (cut <= 0 || rest > NAME_BYTES) return undefined;
  return { prefix: name.slice(0, cut), name: name.slice(cut + 1) };
}

/** Whether a binary string is ASCII and not too long for its place. */
function fits(text: string, bytesMax: number): boolean {
  return text.length <= bytesMax && binaryFromText(text) === text;
}

function encodeHeader(entry: TarEntry & SplitName, type: string): Buffer {
  const block = Buffer.alloc(TAR_BLOCK_BYTES);
  block.write(entry.name, 0, NAME_BYTES, "latin1");
  block.write(octal(entry.mode, 8), 100, "latin1");
  block.write(octal(entry.uid, 8), 108, "latin1");
  block.write(octal(entry.gid, 8), 116, "latin1");
  block.write(octal(entry.size, 12), 124, "latin1");
  block.write(octal(Math.max(0, entry.mtime), 12), 136, "latin1");
  // The sum is taken with blanks in its own place.
  block.write(`        ${type}`, 148, "latin1");
  block.write(entry.linkName ?? "", 157, NAME_BYTES, "latin1");
  block.write("ustar\x0000", 257, "latin1");
  block.write(entry.userName ?? "", 265, ACCOUNT_BYTES, "latin1");
  block.write(entry.groupName ?? "", 297, ACCOUNT_BYTES, "latin1");
  block.write(`${octal(0, 8)}${octal(0, 8)}`, 329, "latin1");
  block.write(entry.prefix, 345, PREFIX_BYTES, "latin1");
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

/** A number of `bytes` bytes with a NUL at its end; one that doesn't fit becomes 0. */
function octal(value: number, bytes: number): string {
  const digits = value.toString(8);
  return `${(digits.length < bytes ? digits : "0").padStart(bytes - 1, "0")}\0`;
}

/** `<length> <key>=<value>\n`, where the length counts its own digits. */
function record(key: string, value: string): string {
  const text = ` ${key}=${value}\n`;
  let length = text.length;
  while (length !== text.length + String(length).length) {
    length = text.length + String(length).length;
  }
  return `${length}${text}`;
}
