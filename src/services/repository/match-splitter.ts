import { CONTENT_CHUNK_BYTES } from "../common/content-chunks.ts";

/** One reply: a piece of a match, or the word that it is complete. */
export type MatchPart = { readonly matchData: Buffer } | { readonly endOfMatch: true };

const NEWLINE = 0x0a;

/** The line between two matches. */
const SEPARATOR = Buffer.from("--\n");

/**
 * Cuts the output of `git grep` into matches, and those into pieces for replies.
 *
 * Holds no more than one piece, however long a match or a line of it is.
 */
export class MatchSplitter {
  #pieces: Buffer[] = [];
  #bytes = 0;
  #isMatchBegun = false;
  /** What may become a separator. */
  #held: Buffer = Buffer.alloc(0);
  #isLineStart = true;

  *push(chunk: Buffer): Generator<MatchPart, void, undefined> {
    const data = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    let start = 0;
    for (;;) {
      const separator = this.#findSeparator(data, start);
      if (separator < 0) break;
      yield* this.#take(data.subarray(start, separator));
      yield* this.#finish();
      start = separator + SEPARATOR.length;
      this.#isLineStart = true;
    }
    const end = this.#safeEnd(data, start);
    this.#held = data.subarray(end);
    if (end === start) return;
    this.#isLineStart = data[end - 1] === NEWLINE;
    yield* this.#take(data.subarray(start, end));
  }

  /** Yields what is left when git has printed all. */
  *end(): Generator<MatchPart, void, undefined> {
    yield* this.#take(this.#held);
    if (this.#isMatchBegun) yield* this.#finish();
  }

  #findSeparator(data: Buffer, start: number): number {
    let found = data.indexOf(SEPARATOR, start);
    while (found >= 0 && !this.#isAtLineStart(data, start, found)) {
      found = data.indexOf(SEPARATOR, found + 1);
    }
    return found;
  }

  #isAtLineStart(data: Buffer, start: number, position: number): boolean {
    return position === start ? this.#isLineStart : data[position - 1] === NEWLINE;
  }

  /** Where the last line begins, if it may become a separator; else the end of the data. */
  #safeEnd(data: Buffer, start: number): number {
    for (let length = SEPARATOR.length - 1; length > 0; length--) {
      const position = data.length - length;
      if (position < start || !data.subarray(position).equals(SEPARATOR.subarray(0, length))) {
        continue;
      }
      if (this.#isAtLineStart(data, start, position)) return position;
    }
    return data.length;
  }

  *#take(bytes: Buffer): Generator<MatchPart, void, undefined> {
    if (bytes.length === 0) return;
    this.#isMatchBegun = true;
    let rest = bytes;
    while (this.#bytes + rest.length >= CONTENT_CHUNK_BYTES) {
      const wanted = CONTENT_CHUNK_BYTES - this.#bytes;
      yield { matchData: Buffer.concat([...this.#pieces, rest.subarray(0, wanted)]) };
      this.#pieces = [];
      this.#bytes = 0;
      rest = rest.subarray(wanted);
    }
    if (rest.length > 0) this.#pieces.push(rest);
    this.#bytes += rest.length;
  }

  *#finish(): Generator<MatchPart, void, undefined> {
    if (this.#bytes > 0) yield { matchData: Buffer.concat(this.#pieces) };
    this.#pieces = [];
    this.#bytes = 0;
    this.#isMatchBegun = false;
    yield { endOfMatch: true };
  }
}
