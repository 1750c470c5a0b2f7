import { DomainError } from "../../base/error/domain-error.ts";

/** Encoded bytes that are read at a time, line ends and all. */
const READ_BYTES = 1024;

/** What should be base64 isn't. */
export class Base64Error extends DomainError {
  constructor(problem: string) {
    super("unknown", problem);
  }
}

/**
 * Decodes base64 that comes in pieces. Line ends are passed over.
 *
 * Positions in errors are those within what was read together with the wrong byte, as the reference
 * server tells them; and like it, padding ends only what was read together.
 */
export class Base64Decoder {
  /** Not yet read bytes. */
  #unread: Buffer = Buffer.alloc(0);
  /** Up to three bytes without line ends that were read and not decoded. */
  #rest = "";

  /** Takes a piece and returns what can be decoded so far. */
  decode(piece: Uint8Array): Buffer {
    this.#unread = Buffer.concat([this.#unread, piece]);
    return this.#decode(false);
  }

  /** Returns the rest. */
  end(): Buffer {
    const decoded = this.#decode(true);
    if (this.#rest !== "") throw new Base64Error("unexpected EOF");
    return decoded;
  }

  #decode(isEnd: boolean): Buffer {
    const decoded: Buffer[] = [];
    for (;;) {
      const size = READ_BYTES - this.#rest.length;
      if (this.#unread.length < size && !(isEnd && this.#unread.length > 0)) break;
      const text = this.#unread.toString("latin1", 0, size).replace(/[\r\n]/g, "");
      this.#unread = this.#unread.subarray(size);
      const read = this.#rest + text;
      const whole = read.length - (read.length % 4);
      decoded.push(decodeQuanta(read.slice(0, whole)));
      this.#rest = read.slice(whole);
    }
    return Buffer.concat(decoded);
  }
}

/** Decodes what is a multiple of four characters long. */
function decodeQuanta(text: string): Buffer {
  const problem = problemAt(text);
  if (problem !== undefined) {
    throw new Base64Error(`illegal base64 data at input byte ${problem}`);
  }
  return Buffer.from(text, "base64");
}

/** Where it isn't base64. */
function problemAt(text: string): number | undefined {
  const wrong = text.search(/[^A-Za-z0-9+/]/);
  if (wrong < 0) return undefined;
  if (text[wrong] !== "=" || wrong % 4 < 2) return wrong;
  if (wrong % 4 === 3) return wrong + 1 < text.length ? wrong + 1 : undefined;
  // Two of them are due; the first one is to blame for a wrong second one.
  if (text[wrong + 1] !== "=") return wrong;
  return wrong + 2 < text.length ? wrong + 2 : undefined;
}
