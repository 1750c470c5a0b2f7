import { join } from "node:path";
import { ParsedAttributes } from "../attribute/parsed-attributes.ts";
import type { GitConfig } from "../config/git-config.ts";
import { CommitHistory } from "../graph/commit-history.ts";
import { ObjectDatabase } from "../object/object-database.ts";
import type { ObjectSources } from "../object/object-source.ts";
import type { ObjectFormat } from "../oid/oid.ts";
import { PackedLines } from "../receive/packed-lines.ts";
import { FilesRefReader } from "../ref/files-ref-reader.ts";
import type { RefReader } from "../ref/ref-reader.ts";
import { ReftableRefReader } from "../ref/reftable-ref-reader.ts";
import { type RefFormat, readConfigBytes, readRepositoryFormat } from "./repository-format.ts";
import type { RepositoryMemory, RepositoryShelves } from "./repository-memory.ts";

/** Where the objects of a push are that isn't accepted yet. */
export interface Quarantine {
  /** As in `GIT_OBJECT_DIRECTORY`. */
  readonly objectDirectory: string;
  /**
   * As in `GIT_ALTERNATE_OBJECT_DIRECTORIES`: the repository's own directory is among them. Without
   * any, only the push's objects are seen.
   */
  readonly alternates: readonly string[];
}

/**
 * A bare repository, read in-process.
 *
 * Cheap to make: files are opened when something is asked for. Get it from a `RepositoryCache`,
 * which keeps what was learned between requests.
 */
export class GitRepository {
  /** The git directory. */
  readonly path: string;
  readonly objectFormat: ObjectFormat;
  readonly refFormat: RefFormat;
  /** The repository's own configuration file. */
  readonly config: GitConfig;
  readonly objects: ObjectDatabase;
  readonly refs: RefReader;
  readonly history: CommitHistory;
  /** What its packed references contribute to advertisements for pushes. */
  readonly packedLines: PackedLines;
  /** Its files of attributes. */
  readonly attributes: ParsedAttributes = new ParsedAttributes();
  /** What was made of its objects. */
  readonly shelves: RepositoryShelves;
  readonly #format: ReturnType<typeof readRepositoryFormat>;

  /**
   * Throws as `readRepositoryFormat` does.
   *
   * @param known the same repository: its references and configuration are shared
   */
  constructor(
    path: string,
    sources: ObjectSources,
    memory: RepositoryMemory,
    quarantine?: Quarantine,
    known?: GitRepository,
  ) {
    const { objectFormat, refFormat, config, configBytes } =
      known === undefined ? readRepositoryFormat(path) : known.#format;
    this.path = path;
    this.shelves = memory.shelves();
    this.objectFormat = objectFormat;
    this.refFormat = refFormat;
    this.config = config;
    this.#format = { objectFormat, refFormat, config, configBytes };
    this.objects = new ObjectDatabase({
      objectDirectory: quarantine?.objectDirectory ?? join(path, "objects"),
      alternates: quarantine?.alternates ?? [],
      format: objectFormat,
      sources,
    });
    this.history = new CommitHistory({
      path,
      format: objectFormat,
      config,
      objects: this.objects,
      resources: sources.resources,
    });
    this.packedLines = known?.packedLines ?? new PackedLines();
    this.refs = known?.refs ?? openRefs(path, objectFormat, refFormat);
  }

  /** `true` when the configuration file is still the same. Throws `RepositoryMissingError`. */
  hasSameConfig(): boolean {
    return readConfigBytes(this.path).equals(this.#format.configBytes);
  }

  /**
   * Makes sure that answers are as fresh as those of a git process started now. For the start of
   * a request.
   */
  expire(): void {
    this.objects.expire();
  }

  /** Gives back files and memory. Using the repository takes them again. */
  close(): void {
    this.history.close();
    this.objects.close();
  }
}

function openRefs(directory: string, objectFormat: ObjectFormat, refFormat: RefFormat): RefReader {
  const store = { directory, objectFormat };
  return refFormat === "files" ? new FilesRefReader(store) : new ReftableRefReader(store);
}
