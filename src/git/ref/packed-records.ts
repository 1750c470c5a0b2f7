import { compareBinary } from "./binary-string.ts";
import { CorruptRefStoreError } from "./ref-store-error.ts";
import { MemoryText, type TextSource } from "./text-source.ts";

const LINE_FEED = 0x0a;
const CARET = 0x5e;
const WINDOW_BYTES = 131_072;

/** No line of packed-refs is longer: names are paths, which end at 4096 bytes. */
const LINE_BYTES_MAX = 65_536;

/**
 * Finds records in the text of packed-refs without parsing them.
 *
 * A record is a line, and the one behind it when that begins with a caret. Throws a
 * CorruptRefStoreError where the text can't be divided into records.
 */
export class PackedRecords {
  readonly #source: TextSource;
  /** Where the first record begins. */
  readonly #start: number;
  /** How many characters stand before the name. */
  readonly #nameOffset: number;

  constructor(source: TextSource, start: number, nameOffset: number) {
    this.#source = source;
    this.#start = start;
    this.#nameOffset = nameOffset;
    this.#checkEnd();
  }

  /** The end of the last record. */
  get end(): number {
    return this.#source.length;
  }

  /** The start of the first record whose name is `name` or sorts behind it, or `end`. */
  lowerBound(name: string): number {
    let low = this.#start;
    let high = this.end;
    while (low < high) {
      const record = this.#recordStart(low + Math.floor((high - low) / 2), low);
      if (this.compareName(record, name) < 0) low = Math.min(this.nextRecord(record), high);
      else high = record;
    }
    return low;
  }

  /** Orders the name of a record and `name` by their bytes; negative when the record comes first. */
  compareName(record: number, name: string): number {
    const start = record + this.#nameOffset;
    for (let index = 0; index < name.length; index++) {
      const code = this.#source.codeAt(start + index);
      // At the record's end there is a line feed, which no name holds.
      const difference = code - name.charCodeAt(index);
      if (code === LINE_FEED || Number.isNaN(code)) return -1;
      if (difference !== 0) return difference;
    }
    return this.#source.codeAt(start + name.length) === LINE_FEED ? 0 : 1;
  }

  /** The end of the record that starts at `record`. */
  nextRecord(record: number): number {
    const next = this.#lineEnd(record) + 1;
    if (this.#source.codeAt(next) !== CARET) return Math.min(next, this.end);
    return Math.min(this.#lineEnd(next) + 1, this.end);
  }

  /** The text of the record that starts at `record`. */
  record(record: number): string {
    return this.#source.slice(record, this.nextRecord(record));
  }

  /** As many whole records from `start` as are parsed at once. */
  window(start: number): string {
    const text = this.#source.slice(start, start + WINDOW_BYTES);
    if (start + text.length === this.end) return text;
    const lastEnd = text.lastIndexOf("\n");
    const lastStart = text.lastIndexOf("\n", lastEnd - 1) + 1;
    // Whether the last record is whole shows only behind it, unless it has its second line.
    const end = text.charCodeAt(lastStart) === CARET ? lastEnd + 1 : lastStart;
    if (lastEnd < 0 || end === 0) throw unexpectedLine();
    return text.slice(0, end);
  }

  /** The text of all records in the order of their names. */
  sorted(): string {
    const text = new MemoryText(this.#source.slice(0, this.end));
    const records = new PackedRecords(text, this.#start, this.#nameOffset);
    const named: { readonly name: string; readonly record: string }[] = [];
    for (let start = this.#start; start < text.length; ) {
      const end = records.nextRecord(start);
      const record = text.slice(start, end);
      named.push({ record, name: record.slice(this.#nameOffset, record.indexOf("\n")) });
      start = end;
    }
    named.sort((one, other) => compareBinary(one.name, other.name));
    return named.map(({ record }) => record).join("");
  }

  #recordStart(offset: number, low: number): number {
    const line = this.#lineStart(offset, low);
    if (line === low || this.#source.codeAt(line) !== CARET) return line;
    const record = this.#lineStart(line - 1, low);
    if (record > low && this.#source.codeAt(record) === CARET) throw unexpectedLine();
    return record;
  }

  #lineStart(offset: number, low: number): number {
    let start = offset;
    while (start > low && this.#source.codeAt(start - 1) !== LINE_FEED) {
      start--;
      if (offset - start > LINE_BYTES_MAX) throw unexpectedLine();
    }
    return start;
  }

  #lineEnd(offset: number): number {
    let end = offset;
    while (end < this.end && this.#source.codeAt(end) !== LINE_FEED) {
      end++;
      if (end - offset > LINE_BYTES_MAX) throw unexpectedLine();
    }
    return end;
  }

  #checkEnd(): void {
    if (this.#start === this.end) return;
    if (this.#source.codeAt(this.end - 1) !== LINE_FEED) throw unterminatedLine();
    const last = this.#recordStart(this.end - 1, this.#start);
    if (this.end - last <= this.#nameOffset) throw unexpectedLine();
  }
}

/** A line isn't what it should be. */
export function unexpectedLine(): CorruptRefStoreError {
  return new CorruptRefStoreError("unexpected line in packed-refs");
}

/** The file ends within a line. */
export function unterminatedLine(): CorruptRefStoreError {
  return new CorruptRefStoreError("unterminated line in packed-refs");
}
