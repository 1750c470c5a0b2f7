import { hash } from "node:crypto";
import { CorruptObjectError } from "../object/object-error.ts";
import { oidAt } from "../object/oid-bytes.ts";
import { type ObjectFormat, OID_BYTES, type Oid } from "../oid/oid.ts";
import { inflateStart } from "../pack/inflate.ts";
import { ENTRY_HEAD_BYTES_MAX, PackEntry, type PackEntryKind } from "../pack/pack-entry.ts";
import { PACK_HEADER_BYTES } from "./pack-start.ts";

/** What stands in a pack: an object's content, or a delta to be applied. */
export interface SmallPackEntry {
  /** Place of the entry in the pack. */
  readonly offset: number;
  readonly kind: PackEntryKind;
  /** For an `offset-delta`, how far before the entry its base stands. */
  readonly baseDistance: number;
  /** For a `ref-delta`. */
  readonly baseOid: Oid | undefined;
  readonly content: Buffer;
}

/** Bytes of a small pack, and of what its entries inflate to. */
export const SMALL_PACK_BYTES_MAX: number = 1024 * 1024;

/** Pieces that a small pack comes in: each makes us read the entry again that hasn't ended. */
export const SMALL_PACK_PIECES_MAX = 64;

/**
 * Reads a small pack as it arrives, since nothing but the pack itself says where it ends.
 *
 * Once a pack is `unfit`, too large or not as it should be, git has to read it from the beginning.
 */
export class SmallPackReader {
  readonly entries: SmallPackEntry[] = [];
  readonly #objectCount: number;
  readonly #format: ObjectFormat;
  #bytes: Buffer = Buffer.alloc(0);
  #pieces = 0;
  #position = PACK_HEADER_BYTES;
  #inflated = 0;

  constructor(objectCount: number, format: ObjectFormat) {
    this.#objectCount = objectCount;
    this.#format = format;
  }

  /** Bytes that were read. */
  get size(): number {
    return this.#bytes.length;
  }

  /** Takes the next bytes of the pack, whose header the first ones hold. */
  push(piece: Uint8Array): "incomplete" | "complete" | "unfit" {
    const size = this.#bytes.length + piece.length;
    if (size > SMALL_PACK_BYTES_MAX || ++this.#pieces > SMALL_PACK_PIECES_MAX) return "unfit";
    this.#bytes = Buffer.concat([this.#bytes, piece]);
    try {
      while (this.entries.length < this.#objectCount) {
        if (!this.#readEntry()) return "incomplete";
      }
      return this.#readEnd();
    } catch (error) {
      if (error instanceof CorruptObjectError) return "unfit";
      throw error;
    }
  }

  #readEntry(): boolean {
    const bytes = this.#bytes;
    const start = this.#position;
    const entry = this.#tryHead(start);
    if (entry === undefined) return false;
    if (this.#inflated + entry.size > SMALL_PACK_BYTES_MAX) {
      throw new CorruptObjectError("pack is too large");
    }
    const dataStart = start + entry.headLength;
    const inflated = inflateStart(bytes.subarray(dataStart), entry.size);
    if (inflated === undefined) return false;
    const oidBytes = OID_BYTES[this.#format];
    this.entries.push({
      offset: start,
      kind: entry.kind,
      baseDistance: entry.baseDistance,
      baseOid:
        entry.kind === "ref-delta" ? oidAt(bytes, dataStart - oidBytes, this.#format) : undefined,
      content: inflated.content,
    });
    this.#inflated += entry.size;
    this.#position = dataStart + inflated.consumed;
    return true;
  }

  /** A head that is cut short shows only when it is complete. */
  #tryHead(start: number): PackEntry | undefined {
    const end = this.#bytes.length;
    try {
      return new PackEntry(this.#bytes, start, end, OID_BYTES[this.#format]);
    } catch (error) {
      const isShort = end - start < ENTRY_HEAD_BYTES_MAX;
      if (isShort && error instanceof CorruptObjectError) return undefined;
      throw error;
    }
  }

  #readEnd(): "incomplete" | "complete" | "unfit" {
    const end = this.#position + OID_BYTES[this.#format];
    if (this.#bytes.length < end) return "incomplete";
    // Whoever goes on talking after the pack is answered by git.
    if (this.#bytes.length > end) return "unfit";
    const checksum = hash(this.#format, this.#bytes.subarray(0, this.#position), "hex");
    return checksum === oidAt(this.#bytes, this.#position, this.#format) ? "complete" : "unfit";
  }
}
