import { YamuxProtocolError } from "./yamux-error.ts";

/*
 * Yamux frame (https://github.com/hashicorp/yamux/blob/master/spec.md), all numbers big-endian:
 *
 *   byte 0       version, 0
 *   byte 1       type
 *   bytes 2–3    flags
 *   bytes 4–7    stream id, 0 for the session; odd ids are opened by the client, even ones by the
 *                server
 *   bytes 8–11   length: bytes that follow (data), growth of the window (window update), an
 *                opaque value (ping), a reason (go away)
 */
export const HEADER_BYTES = 12;
const VERSION = 0;

export const TYPE_DATA = 0;
export const TYPE_WINDOW_UPDATE = 1;
export const TYPE_PING = 2;
export const TYPE_GO_AWAY = 3;

export const FLAG_SYN = 1;
export const FLAG_ACK = 2;
export const FLAG_FIN = 4;
export const FLAG_RST = 8;
const FLAGS_ALL = FLAG_SYN | FLAG_ACK | FLAG_FIN | FLAG_RST;

export const GO_AWAY_NORMAL = 0;
export const GO_AWAY_PROTOCOL_ERROR = 1;

/** What each side may send on a new stream before it hears of a larger window. */
export const INITIAL_WINDOW_BYTES: number = 256 * 1024;
/** Windows and lengths are 32-bit numbers. */
export const WINDOW_BYTES_MAX: number = 2 ** 32 - 1;

export interface FrameHeader {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly length: number;
}

export function encodeHeader(
  type: number,
  flags: number,
  streamId: number,
  length: number,
): Buffer {
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header[0] = VERSION;
  header[1] = type;
  header.writeUInt16BE(flags, 2);
  header.writeUInt32BE(streamId, 4);
  header.writeUInt32BE(length, 8);
  return header;
}

/** Hears what a `FrameReader` finds. */
export interface FrameListener {
  /** A frame begins. */
  onHeader(header: FrameHeader): void;
  /** The next bytes of the data frame that has begun. */
  onData(bytes: Buffer): void;
  /** The frame is complete. */
  onEnd(header: FrameHeader): void;
}

/** Cuts the bytes of a connection into frames; holds at most one unfinished header. */
export class FrameReader {
  readonly #listener: FrameListener;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerFilled = 0;
  #frame: FrameHeader | undefined;
  #dataLeft = 0;
  #stopped = false;

  constructor(listener: FrameListener) {
    this.#listener = listener;
  }

  /** Ignores everything from here on. */
  stop(): void {
    this.#stopped = true;
  }

  /** Takes the next bytes. Throws a YamuxProtocolError when they are no yamux. */
  push(chunk: Buffer): void {
    let offset = 0;
    while (offset < chunk.length && !this.#stopped) {
      if (this.#frame === undefined) offset += this.#takeHeader(chunk, offset);
      else {
        const end = Math.min(chunk.length, offset + this.#dataLeft);
        this.#dataLeft -= end - offset;
        this.#listener.onData(chunk.subarray(offset, end));
        offset = end;
      }
      if (this.#frame !== undefined && this.#dataLeft === 0) this.#finishFrame(this.#frame);
    }
  }

  #takeHeader(chunk: Buffer, offset: number): number {
    const taken = chunk.copy(this.#header, this.#headerFilled, offset);
    this.#headerFilled += taken;
    if (this.#headerFilled === HEADER_BYTES) {
      this.#headerFilled = 0;
      this.#frame = decodeHeader(this.#header);
      this.#dataLeft = this.#frame.type === TYPE_DATA ? this.#frame.length : 0;
      this.#listener.onHeader(this.#frame);
    }
    return taken;
  }

  #finishFrame(frame: FrameHeader): void {
    this.#frame = undefined;
    if (!this.#stopped) this.#listener.onEnd(frame);
  }
}

function decodeHeader(header: Buffer): FrameHeader {
  if (header.readUInt8(0) !== VERSION) throw new YamuxProtocolError("unknown version");
  const type = header.readUInt8(1);
  const flags = header.readUInt16BE(2);
  if (type > TYPE_GO_AWAY) throw new YamuxProtocolError("unknown frame type");
  if ((flags & ~FLAGS_ALL) !== 0) throw new YamuxProtocolError("unknown flags");
  return { type, flags, streamId: header.readUInt32BE(4), length: header.readUInt32BE(8) };
}
