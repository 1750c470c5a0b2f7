import { type MemoryShelf, ShelvedMemory } from "../../base/memory/shelved-memory.ts";
import type { KnownPatch } from "../diff/tree/known-patch.ts";

/** Memory for patches, over all repositories. */
const PATCH_BYTES_MAX = 64 * 1024 * 1024;

/** Memory for parts of replies, over all repositories. */
const ANSWER_BYTES_MAX = 32 * 1024 * 1024;

/** What was made of the objects of all repositories. */
export class RepositoryMemory {
  readonly #patches = new ShelvedMemory<KnownPatch>(PATCH_BYTES_MAX);
  readonly #answers = new ShelvedMemory<Buffer>(ANSWER_BYTES_MAX);

  /** A place for one repository. */
  shelves(): RepositoryShelves {
    return { patches: this.#patches.shelf(), answers: this.#answers.shelf() };
  }
}

/** What was made of the objects of one repository. */
export interface RepositoryShelves {
  /** By the contents that a patch is about. */
  readonly patches: MemoryShelf<KnownPatch>;
  /** Parts of replies; a key names the RPC first. */
  readonly answers: MemoryShelf<Buffer>;
}
