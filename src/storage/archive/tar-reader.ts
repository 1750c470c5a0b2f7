import { DomainError } from "../../base/error/domain-error.ts";
import { ByteQueue } from "./byte-queue.ts";

/** An archive that can't be read on. */
export class TarError extends DomainError {
  constructor(message: string) {
    super("unknown", message);
  }
}

/** What kinds of entries there are; `other` are devices and their like. */
export type TarEntryType = "file" | "directory" | "symlink" | "hard-link" | "other";

/** An entry of an archive. Its content has to be read before the next entry, or is passed over. */
export interface TarEntry {
  readonly type: TarEntryType;
  /** As the archive has it, a binary string: it may be absolute or lead elsewhere. */
  readonly name: string;
  /** What a link leads to, a binary string; empty for others. */
  readonly linkName: string;
  readonly mode: number;
  /** Bytes of the content. */
  readonly size: number;
  readonly content: AsyncIterable<Buffer>;
}

const BLOCK_BYTES = 512;

/** Extended headers hold names; longer ones than this are no names. */
const EXTENDED_BYTES_MAX = 1024 * 1024;

/** The longest piece of a content that is handed out. */
const PIECE_BYTES = 64 * 1024;

const TYPES: ReadonlyMap<string, TarEntryType> = new Map([
  ["0", "file"],
  ["\0", "file"],
  ["7", "file"],
  ["1", "hard-link"],
  ["2", "symlink"],
  ["5", "directory"],
]);

/** Reads a tar archive as pax(1) and GNU's tar write it. Throws TarError, and what `source` throws. */
export async function* readTar(
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<TarEntry, void, undefined> {
  const bytes = new ByteQueue(source);
  try {
    let extended: ExtendedHeader = {};
    for (;;) {
      const header = await readHeader(bytes);
      if (header === undefined) return;
      if ("xgLK".includes(header.flag)) {
        extended = { ...extended, ...(await readExtended(bytes, header)) };
        continue;
      }
      yield* readEntry(bytes, { ...header, ...extended });
      extended = {};
    }
  } finally {
    await bytes.close();
  }
}

interface Header {
  readonly flag: string;
  readonly name: string;
  readonly linkName: string;
  readonly mode: number;
  readonly size: number;
}

type ExtendedHeader = Partial<Pick<Header, "name" | "linkName" | "size">>;

async function* readEntry(
  bytes: ByteQueue,
  { flag, name, linkName, mode, size }: Header,
): AsyncGenerator<TarEntry, void, undefined> {
  const known = TYPES.get(flag) ?? "other";
  const type = known === "file" && flag === "\0" && name.endsWith("/") ? "directory" : known;
  let left = type === "file" || type === "other" ? size : 0;
  const padding = (BLOCK_BYTES - (left % BLOCK_BYTES)) % BLOCK_BYTES;
  const content = async function* (): AsyncGenerator<Buffer, void, undefined> {
    while (left > 0) {
      const piece = await bytes.some(Math.min(left, PIECE_BYTES));
      if (piece === undefined) throw new TarError("unexpected EOF");
      left -= piece.length;
      yield piece;
    }
  };
  yield { type, name, linkName, mode, size: left, content: content() };
  for await (const _passedOver of content());
  // The last entry of an archive that is cut off there is complete.
  await bytes.exactly(padding);
}

/** The next header; undefined at the end. */
async function readHeader(bytes: ByteQueue): Promise<Header | undefined> {
  const block = await bytes.exactly(BLOCK_BYTES);
  if (block === undefined) {
    if (bytes.isEmpty) return undefined;
    throw new TarError("unexpected EOF");
  }
  if (block.every((byte) => byte === 0)) return undefined;
  checkSum(block);
  const isPosix = block.toString("latin1", 257, 263) === "ustar\0";
  const prefix = isPosix ? text(block, 345, 155) : "";
  const name = text(block, 0, 100);
  return {
    flag: String.fromCharCode(block[156] ?? 0),
    name: prefix === "" ? name : `${prefix}/${name}`,
    linkName: text(block, 157, 100),
    mode: number(block, 100, 8),
    size: number(block, 124, 12),
  };
}

/** The sum is computed as if its own field held spaces. */
function checkSum(block: Buffer): void {
  let sum = 8 * 0x20;
  for (const [index, byte] of block.entries()) if (index < 148 || index >= 156) sum += byte;
  if (sum !== number(block, 148, 8)) throw new TarError("archive/tar: invalid tar header");
}

async function readExtended(bytes: ByteQueue, { flag, size }: Header): Promise<ExtendedHeader> {
  if (size > EXTENDED_BYTES_MAX) throw new TarError("archive/tar: header field too long");
  const padded = Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
  const block = await bytes.exactly(padded);
  if (block === undefined) throw new TarError("unexpected EOF");
  const body = block.toString("latin1", 0, size);
  if (flag === "L") return { name: untilNul(body) };
  if (flag === "K") return { linkName: untilNul(body) };
  return flag === "x" ? parseRecords(body) : {};
}

/** Records `LENGTH SP KEYWORD=VALUE LF`, the length counting all of the record. */
function parseRecords(body: string): ExtendedHeader {
  const fields: { name?: string; linkName?: string; size?: number } = {};
  for (let rest = body; rest !== ""; ) {
    const [matched = "", length = ""] = /^([0-9]{1,7}) [^=]+=/.exec(rest) ?? [];
    const end = Number(length);
    if (matched === "" || end < matched.length || rest[end - 1] !== "\n") {
      throw new TarError("archive/tar: invalid tar header");
    }
    const keyword = matched.slice(length.length + 1, -1);
    const value = rest.slice(matched.length, end - 1);
    if (keyword === "path") fields.name = value;
    else if (keyword === "linkpath") fields.linkName = value;
    else if (keyword === "size" && /^[0-9]{1,15}$/.test(value)) fields.size = Number(value);
    rest = rest.slice(end);
  }
  return fields;
}

function text(block: Buffer, offset: number, length: number): string {
  return untilNul(block.toString("latin1", offset, offset + length));
}

function untilNul(value: string): string {
  const end = value.indexOf("\0");
  return end < 0 ? value : value.slice(0, end);
}

/** Octal digits, or with the first bit set a number of base 256. */
function number(block: Buffer, offset: number, length: number): number {
  const field = block.subarray(offset, offset + length);
  const [first = 0] = field;
  if (first === 0x80) {
    const value = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0);
    if (Number.isSafeInteger(value)) return value;
  }
  const digits = field.toString("latin1").replace(/^[ \0]+|[ \0]+$/g, "");
  if (!/^[0-7]*$/.test(digits)) throw new TarError("archive/tar: invalid tar header");
  return digits === "" ? 0 : Number.parseInt(digits, 8);
}
