import { existsSync } from "node:fs";
import { join } from "node:path";
import { ObjectDatabase } from "../../git/object/object-database.ts";
import { ObjectSources } from "../../git/object/object-source.ts";
import type { ObjectFormat } from "../../git/oid/oid.ts";
import { ReaderResources } from "../../git/pack/reader-resources.ts";
import { FilesRefReader } from "../../git/ref/files-ref-reader.ts";
import type { RefReader } from "../../git/ref/ref-reader.ts";
import { ReftableRefReader } from "../../git/ref/reftable-ref-reader.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import { readObjectFormat } from "../../storage/repository/object-format.ts";

/** One repository as requests read it. */
export interface RepositoryReader {
  readonly located: LocatedRepository;
  readonly format: ObjectFormat;
  readonly objects: ObjectDatabase;
  readonly refs: RefReader;
}

/** Repositories that are kept open. */
const REPOSITORIES_MAX = 256;

/** Opens repositories for reading and keeps those that were used last. */
export class RepositoryReaders {
  readonly #sources = new ObjectSources(new ReaderResources());
  readonly #readers = new Map<string, RepositoryReader>();

  /** An answer from the reader is as fresh as that of a git process started now. */
  open(located: LocatedRepository): RepositoryReader {
    const format = readObjectFormat(located.path);
    const isReftable = existsSync(join(located.path, "reftable"));
    const { path, objectDirectory = "", alternateObjectDirectories = [] } = located;
    const key = [format, isReftable, path, objectDirectory, ...alternateObjectDirectories].join(
      ":",
    );
    const known = this.#readers.get(key);
    this.#readers.delete(key);
    const reader = known ?? this.#create(located, format, isReftable);
    this.#readers.set(key, reader);
    this.#evict();
    reader.objects.expire();
    return { ...reader, located };
  }

  #create(located: LocatedRepository, format: ObjectFormat, isReftable: boolean): RepositoryReader {
    const { path, objectDirectory, alternateObjectDirectories } = located;
    const objects = new ObjectDatabase({
      objectDirectory: objectDirectory ?? join(path, "objects"),
      ...(alternateObjectDirectories && { alternates: alternateObjectDirectories }),
      format,
      sources: this.#sources,
    });
    const store = { directory: path, objectFormat: format };
    const refs = isReftable ? new ReftableRefReader(store) : new FilesRefReader(store);
    return { located, format, objects, refs };
  }

  #evict(): void {
    for (const [key, { objects }] of this.#readers) {
      if (this.#readers.size <= REPOSITORIES_MAX) break;
      this.#readers.delete(key);
      objects.close();
    }
  }
}
