import { createHash, randomUUID } from "node:crypto";
import { type FileHandle, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Bytes that are kept in memory; longer lists of objects go to a file. */
const MEMORY_BYTES_MAX = 1024 * 1024;

const READ_BYTES = 128 * 1024;

/**
 * Which objects a pack is asked for, read to the end. Disposing gives the file back, where there is
 * one, which has no name.
 */
export class PackInput implements AsyncDisposable {
  /** In hexadecimal digits. */
  readonly sha256: string;
  readonly #start: Buffer;
  readonly #rest: FileHandle | undefined;

  private constructor(sha256: string, start: Buffer, rest: FileHandle | undefined) {
    this.sha256 = sha256;
    this.#start = start;
    this.#rest = rest;
  }

  /** @param prefix goes into the hash as well */
  static async read(prefix: string, source: AsyncIterable<Uint8Array>): Promise<PackInput> {
    const hash = createHash("sha256").update(prefix);
    const start: Uint8Array[] = [];
    let size = 0;
    let rest: FileHandle | undefined;
    try {
      for await (const chunk of source) {
        hash.update(chunk);
        size += chunk.length;
        if (rest === undefined && size <= MEMORY_BYTES_MAX) start.push(chunk);
        else {
          rest ??= await openUnnamed();
          await rest.writeFile(chunk);
        }
      }
      return new PackInput(hash.digest("hex"), Buffer.concat(start), rest);
    } catch (error) {
      await rest?.close();
      throw error;
    }
  }

  /** What was read. */
  async *bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    yield this.#start;
    if (this.#rest === undefined) return;
    for (let position = 0; ; ) {
      const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
      const { bytesRead } = await this.#rest.read(buffer, 0, READ_BYTES, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#rest?.close();
  }
}

async function openUnnamed(): Promise<FileHandle> {
  const path = join(tmpdir(), `PackObjectsHook-stdin-${randomUUID()}`);
  const file = await open(path, "wx+", 0o600);
  await rm(path);
  return file;
}
