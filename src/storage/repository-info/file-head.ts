import { closeSync, openSync, readSync } from "node:fs";
import { InspectionError } from "./inspection-error.ts";

/** Reads the start of a file piece by piece. Dispose of it. */
export class FileHead implements Disposable {
  readonly #descriptor: number;

  constructor(path: string) {
    this.#descriptor = openSync(path, "r");
  }

  /** Reads the next bytes. Throws an InspectionError when the file ends before. */
  take(length: number): Buffer {
    const bytes = this.read(length);
    if (bytes.length === length) return bytes;
    throw new InspectionError(bytes.length === 0 ? "EOF" : "unexpected EOF");
  }

  /** Reads the next bytes, or less when the file ends before. */
  read(length: number): Buffer {
    const bytes = Buffer.alloc(length);
    let filled = 0;
    while (filled < length) {
      const count = readSync(this.#descriptor, bytes, filled, length - filled, null);
      if (count === 0) break;
      filled += count;
    }
    return bytes.subarray(0, filled);
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }
}
