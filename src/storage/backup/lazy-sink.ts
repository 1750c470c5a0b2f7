import type { ObjectStore, StoredBlob } from "./backup-sink.ts";

/** An object storage that is opened when it is first used. */
export class LazySink implements ObjectStore {
  readonly #open: () => Promise<ObjectStore>;
  #opened: Promise<ObjectStore> | undefined;

  constructor(open: () => Promise<ObjectStore>) {
    this.#open = open;
  }

  async write(path: string, pieces: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    await (await this.#store()).write(path, pieces, signal);
  }

  async *read(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    yield* (await this.#store()).read(path, signal);
  }

  async *list(folder: string, signal: AbortSignal): AsyncGenerator<StoredBlob, void, undefined> {
    yield* (await this.#store()).list(folder, signal);
  }

  async exists(path: string, signal: AbortSignal): Promise<boolean> {
    return (await this.#store()).exists(path, signal);
  }

  async signedUrl(path: string, lifetimeMs: number, signal: AbortSignal): Promise<string> {
    return (await this.#store()).signedUrl(path, lifetimeMs, signal);
  }

  #store(): Promise<ObjectStore> {
    this.#opened ??= this.#open();
    return this.#opened;
  }
}
