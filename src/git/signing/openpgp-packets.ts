import { DomainError } from "../../base/error/domain-error.ts";
import { withoutZeros } from "./ssh-encoding.ts";

/** A file doesn't hold an OpenPGP key, or not one that can be understood. */
export class OpenpgpKeyError extends DomainError {
  constructor(problem: string) {
    super("unknown", problem);
  }
}

/** The kinds of packets that matter here, RFC 4880 section 4.3. */
export const PACKET = {
  signature: 2,
  secretKey: 5,
  publicKey: 6,
  secretSubkey: 7,
  userId: 13,
  publicSubkey: 14,
} as const;

/** One packet: what kind it is, and its bytes without the header. */
export interface Packet {
  readonly tag: number;
  readonly body: Buffer;
}

/** Reads packets one behind the other. Throws an OpenpgpKeyError at bytes that are none. */
export function* readPackets(bytes: Buffer): Generator<Packet, void> {
  const reader = new PacketReader(bytes);
  while (!reader.isAtEnd) {
    const first = reader.byte();
    if ((first & 0x80) === 0) throw invalidData("tag byte does not have MSB set");
    const isNew = (first & 0x40) !== 0;
    const tag = isNew ? first & 0x3f : (first & 0x3f) >> 2;
    yield { tag, body: isNew ? newBody(reader) : oldBody(reader, first & 3) };
  }
}

function oldBody(reader: PacketReader, lengthType: number): Buffer {
  if (lengthType === 3) return reader.rest();
  return reader.bytes(reader.number(2 ** lengthType));
}

/** A body may come in pieces, of which all but the last one say so. */
function newBody(reader: PacketReader): Buffer {
  const pieces: Buffer[] = [];
  for (;;) {
    const first = reader.byte();
    const isPartial = first >= 224 && first < 255;
    pieces.push(reader.bytes(isPartial ? 2 ** (first & 0x1f) : lengthFrom(first, reader)));
    if (!isPartial) return Buffer.concat(pieces);
  }
}

function lengthFrom(first: number, reader: PacketReader): number {
  if (first < 192) return first;
  if (first < 255) return ((first - 192) << 8) + reader.byte() + 192;
  return reader.number(4);
}

/** A part of a signature that says one thing, RFC 4880 section 5.2.3.1. */
export interface Subpacket {
  readonly type: number;
  readonly isCritical: boolean;
  readonly data: Buffer;
}

/** Reads the parts of a signature. Throws an OpenpgpKeyError when they are cut short. */
export function* readSubpackets(bytes: Buffer): Generator<Subpacket, void> {
  const reader = new PacketReader(bytes);
  while (!reader.isAtEnd) {
    const content = reader.bytes(lengthFrom(reader.byte(), reader));
    const type = content[0];
    if (type === undefined) throw invalidData("zero length signature subpacket");
    yield { type: type & 0x7f, isCritical: (type & 0x80) !== 0, data: content.subarray(1) };
  }
}

/** Makes a packet in the new format. */
export function encodePacket(tag: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.of(0xc0 | tag), encodeLength(body.length), body]);
}

function encodeLength(length: number): Buffer {
  if (length < 192) return Buffer.of(length);
  if (length < 8384) return Buffer.of(((length - 192) >> 8) + 192, (length - 192) & 0xff);
  const bytes = Buffer.alloc(5, 0xff);
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

/** Encodes a number of any size: how many bits it has, then its digits. */
export function encodeNumber(number: Buffer): Buffer {
  const digits = withoutZeros(number);
  const first = digits[0] ?? 0;
  const bits = digits.length === 0 ? 0 : digits.length * 8 - (Math.clz32(first) - 24);
  return Buffer.concat([Buffer.of(bits >> 8, bits & 0xff), digits]);
}

/** Reads OpenPGP's encoding. Throws an OpenpgpKeyError at its end. */
export class PacketReader {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#offset >= this.#bytes.length;
  }

  /** How many bytes have been read. */
  get offset(): number {
    return this.#offset;
  }

  bytes(length: number): Buffer {
    const end = this.#offset + length;
    if (end > this.#bytes.length) throw new OpenpgpKeyError("unexpected EOF");
    this.#offset = end;
    return this.#bytes.subarray(end - length, end);
  }

  rest(): Buffer {
    return this.bytes(this.#bytes.length - this.#offset);
  }

  byte(): number {
    return this.number(1);
  }

  /** A big-endian number of up to four bytes. */
  number(length: number): number {
    return this.bytes(length).readUIntBE(0, length);
  }

  /** The digits of a number of any size, see `encodeNumber`. */
  digits(): Buffer {
    return this.bytes(Math.ceil(this.number(2) / 8));
  }
}

export function invalidData(problem: string): OpenpgpKeyError {
  return new OpenpgpKeyError(`openpgp: invalid data: ${problem}`);
}
