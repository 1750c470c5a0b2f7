import { SCORE_MAX } from "./file-pair.ts";

/** Values of hashes; a prime. */
const HASHES = 107_927;

/** Text is cut at newlines, and after so many bytes. */
const PIECE_BYTES_MAX = 64;

const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** What a file consists of: how many bytes are in the pieces of each hash. */
export interface Fingerprint {
  readonly size: number;
  readonly hashes: Int32Array;
  readonly counts: Int32Array;
}

/** Makes fingerprints and compares them; its tables are used again and again. */
export class SimilarityMeter {
  readonly #counts: Int32Array = new Int32Array(HASHES);

  /** @param isText carriage returns before newlines don't count in text */
  fingerprint(content: Buffer, isText: boolean): Fingerprint {
    const seen: number[] = [];
    const counts = this.#counts;
    forEachPiece(content, isText, (hash, length) => {
      const count = counts[hash] ?? 0;
      if (count === 0) seen.push(hash);
      counts[hash] = count + length;
    });
    const hashes = Int32Array.from(seen);
    const taken = new Int32Array(hashes.length);
    for (let i = 0; i < hashes.length; i++) {
      const hash = hashes[i] ?? 0;
      taken[i] = counts[hash] ?? 0;
      counts[hash] = 0;
    }
    return { size: content.length, hashes, counts: taken };
  }

  /** How much of the larger file is in the other one as well, 0 to `SCORE_MAX`. */
  score(from: Fingerprint, to: Fingerprint): number {
    if (to.size === 0) return 0;
    const counts = this.#counts;
    for (let i = 0; i < from.hashes.length; i++) counts[from.hashes[i] ?? 0] = from.counts[i] ?? 0;
    let copied = 0;
    for (let i = 0; i < to.hashes.length; i++) {
      copied += Math.min(counts[to.hashes[i] ?? 0] ?? 0, to.counts[i] ?? 0);
    }
    for (let i = 0; i < from.hashes.length; i++) counts[from.hashes[i] ?? 0] = 0;
    return Math.floor((copied * SCORE_MAX) / Math.max(from.size, to.size));
  }
}

function forEachPiece(
  content: Buffer,
  isText: boolean,
  use: (hash: number, length: number) => void,
): void {
  let high = 0;
  let low = 0;
  let length = 0;
  for (let i = 0; i < content.length; i++) {
    const byte = content[i] ?? 0;
    if (isText && byte === RETURN && content[i + 1] === NEWLINE) continue;
    const before = high;
    high = (((high << 7) ^ (low >>> 25)) + byte) | 0;
    low = (low << 7) ^ (before >>> 25);
    if (++length < PIECE_BYTES_MAX && byte !== NEWLINE) continue;
    use(hashOf(high, low), length);
    high = low = length = 0;
  }
  if (length > 0) use(hashOf(high, low), length);
}

function hashOf(high: number, low: number): number {
  return ((high + Math.imul(low, 0x61)) >>> 0) % HASHES;
}
