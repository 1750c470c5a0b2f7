import * as fs from "node:fs";
import { CorruptRefStoreError } from "./ref-store-error.ts";

/** A text that is searched without being read as a whole. Offsets count bytes. */
export interface TextSource {
  readonly length: number;
  /** The binary string between two offsets, of which `end` may lie behind the text's end. */
  slice(start: number, end: number): string;
  /** The byte at an offset, or NaN behind the end. */
  codeAt(offset: number): number;
}

/** A text in memory. */
export class MemoryText implements TextSource {
  readonly length: number;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
    this.length = text.length;
  }

  slice(start: number, end: number): string {
    return this.#text.slice(start, end);
  }

  codeAt(offset: number): number {
    return this.#text.charCodeAt(offset);
  }
}

const PAGE_BYTES = 4096;

/** A text in an open file, which others don't change. Single bytes are read with their page. */
export class FileText implements TextSource {
  readonly length: number;
  readonly #file: number;
  #page = "";
  #pageStart = 0;

  constructor(file: number, length: number) {
    this.#file = file;
    this.length = length;
  }

  slice(start: number, end: number): string {
    const pageEnd = this.#pageStart + this.#page.length;
    if (start >= this.#pageStart && end <= pageEnd) {
      return this.#page.slice(start - this.#pageStart, end - this.#pageStart);
    }
    return this.#read(start, Math.min(end, this.length));
  }

  codeAt(offset: number): number {
    const index = offset - this.#pageStart;
    if (index >= 0 && index < this.#page.length) return this.#page.charCodeAt(index);
    if (offset < 0 || offset >= this.length) return Number.NaN;
    this.#pageStart = offset - (offset % PAGE_BYTES);
    this.#page = this.#read(this.#pageStart, Math.min(this.#pageStart + PAGE_BYTES, this.length));
    return this.#page.charCodeAt(offset - this.#pageStart);
  }

  #read(start: number, end: number): string {
    const bytes = Buffer.allocUnsafe(Math.max(end - start, 0));
    for (let filled = 0; filled < bytes.length; ) {
      const length = fs.readSync(this.#file, bytes, filled, bytes.length - filled, start + filled);
      if (length === 0) throw new CorruptRefStoreError("file of references is cut short");
      filled += length;
    }
    return bytes.toString("latin1");
  }
}
