import { createHash, type Hash } from "node:crypto";
import { DomainError } from "../../base/error/domain-error.ts";

/** A file isn't a bundle, or not the whole of one. */
class BundleDamageError extends DomainError {
  constructor(reason: string) {
    super("unknown", `damaged bundle: ${reason}`);
  }
}

const SIGNATURE = /^# v[23] git bundle$/;
const HEADER_LINE_BYTES_MAX = 1 << 20;

/**
 * Reads a bundle to its end and checks that it is whole: its header and its pack's checksum, see
 * gitformat-bundle(5) and gitformat-pack(5). What the objects are like isn't looked at.
 *
 * @throws BundleDamageError
 */
export async function checkBundle(pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const header = new Header();
  let pack: PackChecksum | undefined;
  for await (const piece of pieces) {
    if (pack !== undefined) {
      pack.add(piece);
      continue;
    }
    const rest = header.add(piece);
    if (rest === undefined) continue;
    pack = new PackChecksum(header.hashName);
    pack.add(rest);
  }
  if (pack === undefined) throw new BundleDamageError("its header is cut");
  // Git begins to write a bundle before it finds that nothing is to be put into it.
  if (pack.size === 0 && header.referenceCount === 0) return;
  pack.finish();
}

/** The lines at the start of a bundle, which end with an empty one. */
class Header {
  hashName: "sha1" | "sha256" = "sha1";
  referenceCount = 0;
  #line: Uint8Array = new Uint8Array();
  #isFirst = true;

  /** Takes a piece; returns what follows the header once that is complete. */
  add(piece: Uint8Array): Uint8Array | undefined {
    const bytes = Buffer.concat([this.#line, piece]);
    let start = 0;
    for (let end = bytes.indexOf("\n"); end >= 0; end = bytes.indexOf("\n", start)) {
      const line = bytes.toString("latin1", start, end);
      start = end + 1;
      if (line === "" && !this.#isFirst) return bytes.subarray(start);
      this.#take(line);
    }
    this.#line = bytes.subarray(start);
    if (this.#line.length > HEADER_LINE_BYTES_MAX) throw new BundleDamageError("no header");
    return undefined;
  }

  #take(line: string): void {
    if (this.#isFirst) {
      if (!SIGNATURE.test(line)) throw new BundleDamageError("no header");
      this.#isFirst = false;
    } else if (line === "@object-format=sha256") {
      this.hashName = "sha256";
    } else if (!/^[-@]/.test(line)) {
      this.referenceCount++;
    }
  }
}

/** Whether a pack starts as packs do, and ends with the checksum of what precedes that. */
class PackChecksum {
  size = 0;
  readonly #hash: Hash;
  readonly #digestLength: number;
  /** The last bytes so far, which may be the checksum. */
  #held: Buffer = Buffer.alloc(0);

  constructor(hashName: "sha1" | "sha256") {
    this.#hash = createHash(hashName);
    this.#digestLength = hashName === "sha1" ? 20 : 32;
  }

  add(piece: Uint8Array): void {
    this.size += piece.length;
    const bytes = this.#held.length === 0 ? Buffer.from(piece) : Buffer.concat([this.#held, piece]);
    const end = Math.max(0, bytes.length - this.#digestLength);
    this.#hash.update(bytes.subarray(0, end));
    this.#held = bytes.subarray(end);
  }

  finish(): void {
    if (!this.#hash.digest().equals(this.#held)) {
      throw new BundleDamageError("its pack doesn't have the checksum that it tells");
    }
  }
}
