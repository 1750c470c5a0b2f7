/*
 * OpenSSH's encoding, RFC 4251 section 5: a string is its length in four bytes, big-endian, and that
 * many bytes; a number (mpint) is a string of its big-endian digits, with a zero in front where the
 * first bit would be a sign.
 */

/** Encodes a string. */
export function sshString(value: string | Uint8Array): Buffer {
  const bytes = typeof value === "string" ? Buffer.from(value, "latin1") : value;
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** Encodes a number that is given as big-endian digits. */
export function sshNumber(digits: Buffer): Buffer {
  const number = withoutZeros(digits);
  const signed = (number[0] ?? 0) >= 0x80;
  return sshString(signed ? Buffer.concat([Buffer.of(0), number]) : number);
}

/** Drops the zeros before the first digit. */
export function withoutZeros(number: Buffer): Buffer {
  let start = 0;
  while (start < number.length && number[start] === 0) start++;
  return number.subarray(start);
}

/** Returns a number's digits as exactly `length` bytes. Throws a RangeError when it has more. */
export function padded(number: Buffer, length: number): Buffer {
  const digits = withoutZeros(number);
  if (digits.length > length) throw new RangeError("number is too large");
  return Buffer.concat([Buffer.alloc(length - digits.length), digits]);
}

/** Reads OpenSSH's encoding. Throws a RangeError at its end. */
export class SshReader {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** What hasn't been read yet. */
  get rest(): Buffer {
    return this.#bytes.subarray(this.#offset);
  }

  bytes(length: number): Buffer {
    const end = this.#offset + length;
    if (end > this.#bytes.length) throw new RangeError("cut short");
    this.#offset = end;
    return this.#bytes.subarray(end - length, end);
  }

  number(): number {
    return this.bytes(4).readUInt32BE(0);
  }

  string(): Buffer {
    return this.bytes(this.number());
  }

  text(): string {
    return this.string().toString("latin1");
  }
}
