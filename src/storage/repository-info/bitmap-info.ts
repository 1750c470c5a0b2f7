import { quoteBytes } from "../../base/text/quote-bytes.ts";
import { FileHead } from "./file-head.ts";
import { during, InspectionError } from "./inspection-error.ts";

/** What the header of a bitmap file tells. */
export interface BitmapInfo {
  readonly version: number;
  /** Whether it has hashes of paths. */
  readonly hasHashCache: boolean;
  /** Whether single bitmaps can be found without reading the others. */
  readonly hasLookupTable: boolean;
}

/*
 * The header, see gitformat-bitmap: 4 bytes signature "BITM", 2 bytes version, 2 bytes flags, both
 * big-endian.
 */
const HEADER_BYTES = 8;
const FLAG_HASH_CACHE = 0x4;
const FLAG_LOOKUP_TABLE = 0x10;

/** Reads the header of a bitmap file. */
export function readBitmapInfo(path: string): BitmapInfo {
  using file = during("opening bitmap", () => new FileHead(path));
  const header = during("reading bitmap header", () => file.take(HEADER_BYTES));
  const signature = header.subarray(0, 4);
  if (signature.toString("latin1") !== "BITM") {
    throw new InspectionError(`invalid bitmap signature: ${quoteBytes(signature)}`);
  }
  const version = header.readUInt16BE(4);
  if (version !== 1) throw new InspectionError(`unsupported version: ${version}`);
  const flags = header.readUInt16BE(6);
  return {
    version,
    hasHashCache: (flags & FLAG_HASH_CACHE) !== 0,
    hasLookupTable: (flags & FLAG_LOOKUP_TABLE) !== 0,
  };
}
