/** Memory for patches, over all repositories. */
export const PATCH_BYTES_MAX: number = 64 * 1024 * 1024;

/** Larger patches aren't kept: they would push out too many others. */
const KEPT_BYTES_MAX = 256 * 1024;

/** Memory for an entry beside its bytes, roughly. */
const ENTRY_BYTES = 400;

/** The hunks of a patch, or that one of the files is no text. */
export type KnownPatch = Buffer | "binary";

/**
 * Patches that were made, by the contents that they are about: those never change, so a patch
 * stays right. Whether the contents are still stored is up to who asks.
 */
export class PatchMemory {
  readonly #bytesMax: number;
  /** What was unused for longest comes first. */
  readonly #patches = new Map<string, KnownPatch>();
  #bytes = 0;
  #shelves = 0;

  constructor(bytesMax: number = PATCH_BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  /** Bytes that are taken now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A part for one repository: another one may say of its contents what it likes. */
  shelf(): PatchShelf {
    return new PatchShelf(this, `${this.#shelves++}:`);
  }

  /** @internal Called by shelves. */
  find(key: string): KnownPatch | undefined {
    const patch = this.#patches.get(key);
    if (patch === undefined) return undefined;
    this.#patches.delete(key);
    this.#patches.set(key, patch);
    return patch;
  }

  /** @internal Called by shelves. */
  keep(key: string, patch: KnownPatch): void {
    if (patch.length > KEPT_BYTES_MAX || this.#patches.has(key)) return;
    this.#patches.set(key, patch);
    this.#bytes += patch.length + ENTRY_BYTES;
    for (const [oldest, { length }] of this.#patches) {
      if (this.#bytes <= this.#bytesMax) return;
      this.#patches.delete(oldest);
      this.#bytes -= length + ENTRY_BYTES;
    }
  }
}

/** The patches of one repository. */
export class PatchShelf {
  readonly #memory: PatchMemory;
  readonly #prefix: string;

  constructor(memory: PatchMemory, prefix: string) {
    this.#memory = memory;
    this.#prefix = prefix;
  }

  /** @param key names both contents, and all else that a patch depends on */
  find(key: string): KnownPatch | undefined {
    return this.#memory.find(this.#prefix + key);
  }

  /** Keeps a patch. Its bytes belong to the memory from now on. */
  keep(key: string, patch: KnownPatch): void {
    this.#memory.keep(this.#prefix + key, patch);
  }
}
