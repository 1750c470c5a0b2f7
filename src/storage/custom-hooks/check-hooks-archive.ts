import { readTar, TarError } from "../archive/tar-reader.ts";
import { extractFailure } from "./replace-custom-hooks.ts";

/** A tar archive ends with two empty blocks; see pax(1). */
const END_BYTES = 1024;

/**
 * Reads an archive of hooks to its end and checks that it is whole, without unpacking it. No bytes
 * at all are no hooks, and whole as well.
 *
 * @throws CustomHooksError, the same as when the hooks are replaced by those in a damaged archive,
 *   and what `archive` throws
 */
export async function checkHooksArchive(
  archive: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const end = new ArchiveEnd();
  const rest = end.watch(archive);
  try {
    // Not ended when the archive says that it ends: what follows it has to be read, too.
    for await (const _entry of readTar({
      [Symbol.asyncIterator]: () => ({ next: () => rest.next() }),
    })) {
      signal.throwIfAborted();
    }
    while ((await rest.next()).done !== true) signal.throwIfAborted();
    if (end.isMissing) throw new TarError("unexpected EOF");
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof TarError)) throw error;
    throw extractFailure(error);
  } finally {
    await rest.return();
  }
}

/** Looks for the end of an archive among the last of its bytes. */
class ArchiveEnd {
  #isEmpty = true;
  /** How many zeros are the last bytes so far, as far as they matter. */
  #zeros = 0;

  get isMissing(): boolean {
    return !this.#isEmpty && this.#zeros < END_BYTES;
  }

  async *watch(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const piece of pieces) {
      const last = piece.subarray(-END_BYTES);
      const zeros = last.length - 1 - last.findLastIndex((byte) => byte !== 0);
      this.#zeros = zeros === piece.length ? this.#zeros + zeros : zeros;
      if (piece.length > 0) this.#isEmpty = false;
      yield piece;
    }
  }
}
