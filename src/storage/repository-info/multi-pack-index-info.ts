import { quoteBytes } from "../../base/text/quote-bytes.ts";
import { FileHead } from "./file-head.ts";
import { during, InspectionError } from "./inspection-error.ts";

/** What the header and the table of contents of a multi-pack-index tell. */
export interface MultiPackIndexInfo {
  readonly version: number;
  /** Number of packs that it covers. */
  readonly packfileCount: number;
  /** Whether a pack is so large that offsets need 64 bits. */
  readonly hasLargeOffsets: boolean;
  /** Whether it tells which packs a bitmap covers. */
  readonly hasBitmappedPacks: boolean;
  readonly hasReverseIndex: boolean;
}

/*
 * The header, see gitformat-pack: 4 bytes signature "MIDX"; a byte each: version, object id version,
 * number of chunks, number of base files; 4 bytes number of packs. A table of contents follows, with
 * 4 bytes id and 8 bytes offset of each chunk.
 */
const HEADER_BYTES = 12;
const CHUNK_ENTRY_BYTES = 12;

/** Reads the start of a multi-pack-index. */
export function readMultiPackIndexInfo(path: string): MultiPackIndexInfo {
  using file = during("opening multi-pack-index", () => new FileHead(path));
  const header = during("reading header", () => file.take(HEADER_BYTES));
  const signature = header.subarray(0, 4);
  if (signature.toString("latin1") !== "MIDX") {
    throw new InspectionError(`invalid signature: ${quoteBytes(signature)}`);
  }
  const version = header.readUInt8(4);
  if (version !== 1) throw new InspectionError(`invalid version: ${version}`);
  const baseFiles = header.readUInt8(7);
  if (baseFiles !== 0) {
    throw new InspectionError(`unsupported number of base files: ${baseFiles}`);
  }
  const tableBytes = CHUNK_ENTRY_BYTES * header.readUInt8(6);
  const table = during("reading table of contents", () => file.take(tableBytes));
  const ids = chunkIds(table);
  return {
    version,
    packfileCount: header.readUInt32BE(8),
    hasLargeOffsets: ids.has("LOFF"),
    hasBitmappedPacks: ids.has("BTMP"),
    hasReverseIndex: ids.has("RIDX"),
  };
}

function chunkIds(table: Buffer): Set<string> {
  const ids = new Set<string>();
  for (let offset = 0; offset < table.length; offset += CHUNK_ENTRY_BYTES) {
    ids.add(table.toString("latin1", offset, offset + 4));
  }
  return ids;
}
