import { join } from "node:path";
import type { ObjectFormat } from "../oid/oid.ts";
import { PackDirectory } from "../pack/pack-directory.ts";
import type { ReaderResources } from "../pack/reader-resources.ts";
import { LooseObjects } from "./loose-objects.ts";

/** What one object directory holds. */
export interface ObjectSource {
  readonly path: string;
  readonly packs: PackDirectory;
  readonly loose: LooseObjects;
}

interface SharedSource {
  readonly source: ObjectSource;
  users: number;
}

/**
 * The object directories that are in use.
 *
 * Repositories of one fork network share the directory of their object pool, and so what is known
 * about its packs.
 */
export class ObjectSources {
  readonly resources: ReaderResources;
  readonly #sources = new Map<string, SharedSource>();

  constructor(resources: ReaderResources) {
    this.resources = resources;
  }

  /** Returns the directory's source. Every call needs one of `release`. */
  acquire(path: string, format: ObjectFormat): ObjectSource {
    const key = `${format}:${path}`;
    const known = this.#sources.get(key);
    if (known !== undefined) {
      known.users++;
      return known.source;
    }
    const source = this.create(path, format);
    this.#sources.set(key, { source, users: 1 });
    return source;
  }

  /** Makes a source that is shared with nobody. */
  create(path: string, format: ObjectFormat): ObjectSource {
    return {
      path,
      packs: new PackDirectory(join(path, "pack"), format, this.resources),
      loose: new LooseObjects(path, format, this.resources),
    };
  }

  /** Gives a source back; its files are closed when nobody shares it any more. */
  release(source: ObjectSource, format: ObjectFormat): void {
    const key = `${format}:${source.path}`;
    const known = this.#sources.get(key);
    if (known?.source === source) {
      known.users--;
      if (known.users > 0) return;
      this.#sources.delete(key);
    }
    source.packs.close();
  }
}
