/*
 * The file packed-refs (gitrepository-layout): a header, then a record for each reference.
 *
 *   # pack-refs with: peeled fully-peeled sorted
 *   <hexadecimal object id> SP <name> LF
 *   ^<hexadecimal id of what the tag finally points at> LF      behind the record of a tag
 *
 * The header and its traits are optional. "sorted": records are in the order of their names' bytes.
 * "peeled": tags below refs/tags/ have the second line. "fully-peeled": all tags have.
 */
import { type ObjectFormat, OID_HEX_LENGTH, type Oid, parseOid } from "../oid/oid.ts";
import { isGitSpace } from "./loose-ref-content.ts";
import { PackedRecords, unexpectedLine, unterminatedLine } from "./packed-records.ts";
import { parseRefName, type RefName } from "./ref-name.ts";
import type { DirectRef, PeeledOid } from "./ref-reader.ts";
import { CorruptRefStoreError } from "./ref-store-error.ts";
import { isSafeRefName } from "./special-ref-name.ts";
import { MemoryText, type TextSource } from "./text-source.ts";

/** A record of packed-refs. One whose name git refuses has no value. `end` is where it ends. */
export type PackedRef =
  | (DirectRef & { readonly end: number })
  | { readonly kind: "badly-named"; readonly name: string; readonly end: number };

const HEADER_PREFIX = "# pack-refs with: ";

/** The header that git writes now, and so everything that it promises of the records. */
const CURRENT_HEADER = `${HEADER_PREFIX}peeled fully-peeled sorted \n`;
const CARET = 0x5e;
const LINE_FEED = 0x0a;

/** How many ranges of a file are remembered as free of damage. */
const VERIFIED_RANGES_MAX = 64;

/** The content of one version of packed-refs. */
export class PackedRefs {
  /** Whether the header says that the records are sorted: only then may they be searched. */
  readonly isSorted: boolean;
  readonly #header: string;
  readonly #format: ObjectFormat;
  readonly #records: PackedRecords;
  readonly #hexLength: number;
  readonly #peeled: "none" | "tags" | "all";
  /** For starts of earlier listings, up to where all records were found to be as git writes them. */
  readonly #verified = new Map<number, number>();
  /** Whether a record was found that isn't as git writes it now. */
  #isOdd = false;

  /** Throws a CorruptRefStoreError when header or end are damaged. */
  constructor(source: TextSource, format: ObjectFormat) {
    this.#header = readHeader(source);
    this.#format = format;
    this.#hexLength = OID_HEX_LENGTH[format];
    const traits = this.#header.slice(HEADER_PREFIX.length, -1).split(" ");
    this.isSorted = traits.includes("sorted");
    if (traits.includes("fully-peeled")) this.#peeled = "all";
    else this.#peeled = traits.includes("peeled") ? "tags" : "none";
    this.#records = new PackedRecords(source, this.#header.length, this.#hexLength + 1);
  }

  /** The same references with the records sorted, in memory. */
  sorted(): PackedRefs {
    const header = this.#header === "" ? `${HEADER_PREFIX}\n` : this.#header;
    const text = `${header.slice(0, -1)} sorted\n${this.#records.sorted()}`;
    return new PackedRefs(new MemoryText(text), this.#format);
  }

  /** Whether git would write the same records again, without a look at the objects. */
  get isCurrent(): boolean {
    return this.#header === CURRENT_HEADER;
  }

  /** Where the record of a reference begins and ends in the text; undefined without one. */
  locate(name: RefName): { readonly start: number; readonly end: number } | undefined {
    const start = this.#records.lowerBound(name);
    if (this.#records.compareName(start, name) !== 0) return undefined;
    return { start, end: this.#records.nextRecord(start) };
  }

  /** Finds the record of a reference. Throws a CorruptRefStoreError when it is damaged. */
  find(name: RefName): DirectRef | undefined {
    const start = this.#records.lowerBound(name);
    if (this.#records.compareName(start, name) !== 0) return undefined;
    const record = this.#parse(this.#records.record(start), 0, false);
    return record.kind === "direct" ? record : undefined;
  }

  /** The first name that starts with `prefix`. Throws a CorruptRefStoreError for a damaged record. */
  firstName(prefix: string): string | undefined {
    const start = this.#records.lowerBound(prefix);
    if (start >= this.#records.end) return undefined;
    const { name } = this.#parse(this.#records.record(start), 0, false);
    return name.startsWith(prefix) ? name : undefined;
  }

  /**
   * Yields the references whose names start with `prefix` and sort behind `after`, in order.
   *
   * Throws a CorruptRefStoreError when it comes to a damaged record.
   */
  *list(prefix: string, after: string): Generator<PackedRef, void, undefined> {
    const first = this.#records.lowerBound(after < prefix ? prefix : `${after}\0`);
    const verifiedEnd = this.#verified.get(first) ?? first;
    let start = first;
    while (start < this.#records.end) {
      const text = this.#records.window(start);
      for (let offset = 0; offset < text.length; ) {
        const record = this.#parse(text, offset, start + offset < verifiedEnd);
        if (!record.name.startsWith(prefix)) {
          this.#noteVerified(first, start + offset);
          return;
        }
        yield record;
        offset = record.end;
      }
      start += text.length;
    }
    this.#noteVerified(first, start);
  }

  #noteVerified(start: number, end: number): void {
    if (this.#isOdd) return;
    if (this.#verified.size >= VERIFIED_RANGES_MAX) this.#verified.clear();
    this.#verified.set(start, end);
  }

  /** Parses the record at `start` of `text`. `end` is the offset behind it. */
  #parse(text: string, start: number, isVerified: boolean): PackedRef {
    const nameStart = start + this.#hexLength + 1;
    const lineEnd = text.indexOf("\n", start);
    if (lineEnd < nameStart || !isGitSpace(text.charCodeAt(nameStart - 1))) throw unexpectedLine();
    const name = text.slice(nameStart, lineEnd);
    const oid = this.#oid(text, start, isVerified);
    let end = lineEnd + 1;
    let target: Oid | undefined;
    if (text.charCodeAt(end) === CARET) {
      target = this.#oid(text, end + 1, isVerified);
      end += this.#hexLength + 2;
      if (text.charCodeAt(end - 1) !== LINE_FEED) throw unexpectedLine();
    }
    const valid = isVerified ? (name as RefName) : this.#name(name);
    if (valid === undefined) return { kind: "badly-named", name, end };
    return { kind: "direct", name: valid, oid, peeled: target ?? this.#unpeeled(name), end };
  }

  #name(text: string): RefName | undefined {
    const name = parseRefName(text, { oneLevel: true });
    if (name !== undefined) return name;
    if (text.includes("\0"))
      throw new CorruptRefStoreError("packed refname contains embedded NULL");
    if (!isSafeRefName(text)) throw new CorruptRefStoreError("packed refname is dangerous");
    this.#isOdd = true;
    return undefined;
  }

  #oid(text: string, start: number, isVerified: boolean): Oid {
    const hex = text.slice(start, start + this.#hexLength);
    if (isVerified) return hex as Oid;
    const oid = parseOid(hex);
    if (oid?.length === this.#hexLength) return oid;
    const lowered = parseOid(hex.toLowerCase());
    if (lowered?.length !== this.#hexLength) throw unexpectedLine();
    this.#isOdd = true;
    return lowered;
  }

  /** What a record without a second line says. */
  #unpeeled(name: string): PeeledOid {
    if (this.#peeled === "all") return null;
    return this.#peeled === "tags" && name.startsWith("refs/tags/") ? null : undefined;
  }
}

const HEADER_BYTES_MAX = 4096;

/** The first line when it is a header, with its line feed. */
function readHeader(source: TextSource): string {
  if (source.slice(0, 1) !== "#") return "";
  const text = source.slice(0, HEADER_BYTES_MAX);
  const end = text.indexOf("\n");
  if (end < 0) throw unterminatedLine();
  if (!text.startsWith(HEADER_PREFIX)) throw unexpectedLine();
  return text.slice(0, end + 1);
}
