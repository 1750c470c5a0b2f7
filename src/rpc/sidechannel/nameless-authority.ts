const PREFACE_BYTES = 24;
const FRAME_HEADER_BYTES = 9;
const TYPE_HEADERS = 1;
const FLAG_PADDED = 0x08;
const FLAG_PRIORITY = 0x20;
/** Longer frames need leave of the receiver, which we don't give. */
const FRAME_BYTES_MAX = 16 * 1024;

/** `:authority` in HPACK's static table. */
const AUTHORITY_INDEX = 1;
/** What Go's servers write for the authority of a nameless Unix socket, and what goes instead. */
const NAMELESS = Buffer.from("@");
const NAME = Buffer.from("-");

/**
 * Gives a client of HTTP/2 a valid authority when it says that it talks to "@".
 *
 * Servers written in Go dial back over a connection that came through a Unix socket under that
 * name. RFC 9113 (8.3.1) has no "@" in an authority, and our library resets such calls.
 */
export class NamelessAuthority {
  #unreadPreface = PREFACE_BYTES;
  /** Of the frame that is being read: its header, and the payload if it is looked into. */
  #held: Buffer = Buffer.alloc(0);
  /** How much of a frame's payload passes unseen. */
  #passing = 0;

  /** Takes what has arrived and gives what can go on; a request's headers wait until they are whole. */
  pass(bytes: Buffer): Buffer {
    const passed: Buffer[] = [];
    let rest = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    while (rest.length > 0) {
      const length = this.#next(rest);
      if (length === 0) break;
      passed.push(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
    this.#held = rest;
    return passed.length === 1 && passed[0] !== undefined ? passed[0] : Buffer.concat(passed);
  }

  /** How many of the bytes can go on now. */
  #next(bytes: Buffer): number {
    if (this.#unreadPreface > 0) {
      const length = Math.min(bytes.length, this.#unreadPreface);
      this.#unreadPreface -= length;
      return length;
    }
    if (this.#passing > 0) {
      const length = Math.min(bytes.length, this.#passing);
      this.#passing -= length;
      return length;
    }
    if (bytes.length < FRAME_HEADER_BYTES) return 0;
    const payloadLength = bytes.readUIntBE(0, 3);
    if (bytes[3] !== TYPE_HEADERS || payloadLength > FRAME_BYTES_MAX) {
      this.#passing = payloadLength;
      return FRAME_HEADER_BYTES;
    }
    const end = FRAME_HEADER_BYTES + payloadLength;
    if (bytes.length < end) return 0;
    nameAuthority(bytes.subarray(FRAME_HEADER_BYTES, end), bytes[4] ?? 0);
    return end;
  }
}

/** Changes the header block of a HEADERS frame in place (RFC 7541, 6). */
function nameAuthority(payload: Buffer, flags: number): void {
  const isPadded = (flags & FLAG_PADDED) !== 0;
  let at = (isPadded ? 1 : 0) + ((flags & FLAG_PRIORITY) === 0 ? 0 : 5);
  while (at < payload.length) {
    const first = payload[at] ?? 0;
    const bits = prefixBits(first);
    const [index, afterIndex] = readInteger(payload, at, bits);
    at = afterIndex;
    // An indexed field, or another size of the table, has neither name nor value.
    if (bits === 7 || bits === 5) continue;
    if (index === 0) at = readString(payload, at)[1];
    const [value, afterValue] = readString(payload, at);
    if (index === AUTHORITY_INDEX && value.equals(NAMELESS)) NAME.copy(value);
    at = afterValue;
  }
}

/** How many bits of the first byte of a field belong to its integer. */
function prefixBits(first: number): 4 | 5 | 6 | 7 {
  if (first >= 0x80) return 7;
  if (first >= 0x40) return 6;
  return first >= 0x20 ? 5 : 4;
}

/** An integer (RFC 7541, 5.1) and where it ends. */
function readInteger(bytes: Buffer, at: number, bits: number): [value: number, end: number] {
  const mask = 2 ** bits - 1;
  const first = (bytes[at] ?? 0) & mask;
  if (first < mask) return [first, at + 1];
  let value = mask;
  let scale = 1;
  for (let next = at + 1; next < bytes.length; next++) {
    const byte = bytes[next] ?? 0;
    value += (byte & 0x7f) * scale;
    scale *= 0x80;
    if (byte < 0x80) return [value, next + 1];
  }
  return [value, bytes.length];
}

/** The bytes of a string as they are on the wire (RFC 7541, 5.2), and where it ends. */
function readString(bytes: Buffer, at: number): [value: Buffer, end: number] {
  const [length, start] = readInteger(bytes, at, 7);
  const end = Math.min(start + length, bytes.length);
  const isCompressed = ((bytes[at] ?? 0) & 0x80) !== 0;
  return [isCompressed ? Buffer.alloc(0) : bytes.subarray(start, end), end];
}
