/*
 * RFC 1950 (two bytes of header, Adler-32 in the end) around RFC 1951, of which only blocks with the
 * fixed Huffman codes and stored ones are read here: what small deltas and files consist of.
 */

/** Lengths of copies for the symbols from 257, and how many bits are added to them. */
const LENGTHS: readonly number[] = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
  163, 195, 227, 258,
];
const LENGTH_BITS: readonly number[] = [
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
];

/** Distances of copies; two in a row have the same number of bits added to them. */
const DISTANCES: readonly number[] = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049,
  3073, 4097, 6145, 8193, 12289, 16385, 24577,
];

const END_OF_BLOCK = 256;
const FIRST_LENGTH = 257;
const CODE_BITS_MAX = 9;
const CODE_MASK = (1 << CODE_BITS_MAX) - 1;

/** Larger contents take zlib no longer. */
const CONTENT_BYTES_MAX = 4096;

/**
 * Inflates small contents in half the time that a call of zlib takes.
 *
 * Only those with fixed codes: to build the tables for others takes longer than the call.
 */
export class SmallInflater {
  /** For nine bits, lowest first, the symbol that they begin with times 16 plus its code's length. */
  readonly #symbols = makeSymbols();
  readonly #distanceCodes = Uint8Array.from({ length: 32 }, (_, bits) => reverse(bits, 5));
  #input: Buffer = Buffer.alloc(0);
  #position = 0;
  #hold = 0;
  #bits = 0;
  #output: Buffer = Buffer.alloc(0);
  #written = 0;

  /** `true` when it is worth a try. */
  static isFit(input: Buffer, size: number): boolean {
    const type = ((input[2] ?? 0) >>> 1) & 3;
    return type < 2 && size <= CONTENT_BYTES_MAX;
  }

  /**
   * Inflates the zlib stream at the start of `input` to a content of exactly `size` bytes.
   *
   * Returns `undefined` for whatever isn't as it should be, or only unusual: zlib knows what.
   */
  inflate(input: Buffer, size: number): Buffer | undefined {
    const header = ((input[0] ?? 0) << 8) | (input[1] ?? 0);
    if ((header & 0x8f20) !== 0x0800 || header % 31 !== 0) return undefined;
    this.#input = input;
    this.#position = 2;
    this.#hold = 0;
    this.#bits = 0;
    this.#output = Buffer.allocUnsafe(size);
    this.#written = 0;
    for (let isLast = false; !isLast; ) {
      isLast = this.#take(1) === 1;
      const type = this.#take(2);
      const isRead = type === 1 ? this.#coded() : type === 0 && this.#stored();
      if (!isRead) return undefined;
    }
    return this.#isWhole() ? this.#output : undefined;
  }

  #stored(): boolean {
    this.#take(this.#bits & 7);
    const length = this.#take(16);
    if (length !== (this.#take(16) ^ 0xffff)) return false;
    // What is held beyond the block's header belongs to its content.
    const start = this.#position - (this.#bits >>> 3);
    this.#hold = 0;
    this.#bits = 0;
    const end = start + length;
    if (end > this.#input.length || this.#written + length > this.#output.length) return false;
    this.#input.copy(this.#output, this.#written, start, end);
    this.#written += length;
    this.#position = end;
    return true;
  }

  #coded(): boolean {
    const output = this.#output;
    for (;;) {
      this.#need(CODE_BITS_MAX);
      const entry = this.#symbols[this.#hold & CODE_MASK] ?? 0;
      this.#hold >>>= entry & 15;
      this.#bits -= entry & 15;
      const symbol = entry >>> 4;
      if (symbol < END_OF_BLOCK) {
        if (this.#written >= output.length) return false;
        output[this.#written++] = symbol;
      } else if (symbol === END_OF_BLOCK) {
        return this.#position <= this.#input.length;
      } else if (!this.#copy(symbol - FIRST_LENGTH)) {
        return false;
      }
    }
  }

  #copy(lengthCode: number): boolean {
    const length = (LENGTHS[lengthCode] ?? Infinity) + this.#take(LENGTH_BITS[lengthCode] ?? 0);
    const code = this.#distanceCodes[this.#take(5)] ?? 0;
    const distance = (DISTANCES[code] ?? Infinity) + this.#take(Math.max(0, (code >>> 1) - 1));
    const output = this.#output;
    const from = this.#written - distance;
    const end = this.#written + length;
    if (from < 0 || end > output.length) return false;
    for (let i = this.#written, j = from; i < end; i++, j++) output[i] = output[j] ?? 0;
    this.#written = end;
    return true;
  }

  /** Reads up to 16 bits. */
  #take(count: number): number {
    this.#need(count);
    const value = this.#hold & ((1 << count) - 1);
    this.#hold >>>= count;
    this.#bits -= count;
    return value;
  }

  /** Holds so many bits; zeros where the input has ended, which is found out in the end. */
  #need(count: number): void {
    while (this.#bits < count) {
      this.#hold |= (this.#input[this.#position++] ?? 0) << this.#bits;
      this.#bits += 8;
    }
  }

  /** Checks size, end and checksum. */
  #isWhole(): boolean {
    if (this.#written !== this.#output.length) return false;
    const end = this.#position - (this.#bits >>> 3);
    if (end + 4 > this.#input.length) return false;
    return this.#input.readUInt32BE(end) === adler32(this.#output);
  }
}

/** The fixed code: 8 bits for 0 to 143, 9 to 255, 7 to 279, 8 to 287. */
function makeSymbols(): Uint16Array {
  const symbols = new Uint16Array(1 << CODE_BITS_MAX);
  const ranges = [
    { first: 256, last: 279, length: 7, code: 0 },
    { first: 0, last: 143, length: 8, code: 0x30 },
    { first: 280, last: 287, length: 8, code: 0xc0 },
    { first: 144, last: 255, length: 9, code: 0x190 },
  ];
  for (const { first, last, length, code } of ranges) {
    for (let symbol = first; symbol <= last; symbol++) {
      const start = reverse(code + symbol - first, length);
      for (let i = start; i <= CODE_MASK; i += 1 << length) symbols[i] = (symbol << 4) | length;
    }
  }
  return symbols;
}

function reverse(code: number, length: number): number {
  let reversed = 0;
  for (let i = 0, rest = code; i < length; i++, rest >>>= 1)
    reversed = (reversed << 1) | (rest & 1);
  return reversed;
}

/** The sums stay exact numbers without being reduced in between, for contents this small. */
function adler32(bytes: Buffer): number {
  let low = 1;
  let high = 0;
  for (const byte of bytes) {
    low += byte;
    high += low;
  }
  return (high % 65521) * 65536 + (low % 65521);
}
