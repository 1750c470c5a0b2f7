import * as fs from "node:fs";
import { CorruptRefStoreError } from "../ref-store-error.ts";

/** The bytes of a file that never changes, such as a reftable. */
export interface ByteSource {
  readonly length: number;
  /** The bytes between two offsets; fewer when the file ends before. Shares memory. */
  read(start: number, end: number): Buffer;
}

/** Bytes in memory. */
export class MemoryBytes implements ByteSource {
  readonly length: number;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.length = bytes.length;
  }

  read(start: number, end: number): Buffer {
    return this.#bytes.subarray(start, end);
  }
}

/** The bytes of an open file. */
export class FileBytes implements ByteSource {
  readonly length: number;
  readonly #file: number;

  constructor(file: number, length: number) {
    this.#file = file;
    this.length = length;
  }

  read(start: number, end: number): Buffer {
    const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(end, this.length) - start));
    for (let filled = 0; filled < bytes.length; ) {
      const length = fs.readSync(this.#file, bytes, filled, bytes.length - filled, start + filled);
      if (length === 0) throw new CorruptRefStoreError("reftable is cut short");
      filled += length;
    }
    return bytes;
  }
}
