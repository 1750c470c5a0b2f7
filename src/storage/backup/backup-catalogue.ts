import { posix } from "node:path";
import { DomainError } from "../../base/error/domain-error.ts";
import { systemErrorText } from "../../base/error/system-error-text.ts";
import { BackupMissingError, type BackupSink, findLatestBlob } from "./backup-sink.ts";
import {
  type BackupManifest,
  type BackupStep,
  formatManifest,
  ManifestError,
  parseManifest,
} from "./manifest.ts";

/** By which name a repository's backups are kept; it need not be one of this server's. */
export interface BackedUpRepository {
  readonly storageName: string;
  readonly relativePath: string;
}

/** A backup that is being made: what came before, and names for what comes now. */
export interface TentativeBackup {
  readonly previous: readonly BackupStep[];
  readonly step: BackupStep;
}

const LATEST = "+latest";
const MANIFESTS = "manifests";
const MANIFEST_BYTES_MAX = 64 << 20;

/**
 * Knows where backups are, by manifests at `manifests/<storage>/<relative path>/<backup id>.toml`.
 * Older programs look for one more by the id `+latest`.
 */
export class BackupCatalogue {
  readonly #sink: BackupSink;

  constructor(sink: BackupSink) {
    this.#sink = sink;
  }

  beginFull(repository: BackedUpRepository, backupId: string): TentativeBackup {
    return { previous: [], step: stepOf(repository, backupId, []) };
  }

  /**
   * Names what is to be added to the backup `latestBackupId`, or to the repository's latest one
   * when that is empty or isn't there. Without any, the backup becomes a full one.
   */
  async beginIncremental(
    repository: BackedUpRepository,
    backupId: string,
    latestBackupId: string,
    signal: AbortSignal,
  ): Promise<TentativeBackup> {
    try {
      const { steps } = await this.#findBase(repository, latestBackupId, signal);
      return { previous: steps, step: stepOf(repository, backupId, steps) };
    } catch (error) {
      if (error instanceof BackupMissingError) return this.beginFull(repository, backupId);
      throw during("manifest: begin incremental", error, signal);
    }
  }

  /** Makes a backup one that can be found. */
  async commit(
    repository: BackedUpRepository,
    backupId: string,
    manifest: BackupManifest,
    signal: AbortSignal,
  ): Promise<void> {
    const write = async (id: string, doing: string): Promise<void> => {
      try {
        const content = Buffer.from(formatManifest(manifest));
        await this.#sink.write(manifestPath(repository, id), only(content), signal);
      } catch (error) {
        throw during(`manifest: ${doing}: write manifest`, error, signal);
      }
    };
    await write(backupId, "commit");
    await write(LATEST, "commit latest");
  }

  /** @throws BackupMissingError, ManifestError */
  async find(
    repository: BackedUpRepository,
    backupId: string,
    signal: AbortSignal,
  ): Promise<BackupManifest> {
    try {
      return await this.#read(repository, backupId, signal);
    } catch (error) {
      throw during("manifest: find", error, signal);
    }
  }

  /** @throws BackupMissingError, ManifestError */
  async findLatest(repository: BackedUpRepository, signal: AbortSignal): Promise<BackupManifest> {
    try {
      return await this.#readLatest(repository, signal);
    } catch (error) {
      throw during("manifest: find latest", error, signal);
    }
  }

  async #findBase(
    repository: BackedUpRepository,
    latestBackupId: string,
    signal: AbortSignal,
  ): Promise<BackupManifest> {
    if (latestBackupId !== "") {
      try {
        return await this.find(repository, latestBackupId, signal);
      } catch (error) {
        if (!(error instanceof BackupMissingError)) throw error;
      }
    }
    return this.#readLatest(repository, signal);
  }

  async #readLatest(repository: BackedUpRepository, signal: AbortSignal): Promise<BackupManifest> {
    const latest = await findLatestBlob(this.#sink, manifestFolder(repository), signal);
    if (latest === undefined) throw new BackupMissingError();
    const backupId = posix.basename(latest.path).replace(/\.toml$/, "");
    return this.#read(repository, backupId, signal);
  }

  async #read(
    repository: BackedUpRepository,
    backupId: string,
    signal: AbortSignal,
  ): Promise<BackupManifest> {
    const path = manifestPath(repository, backupId);
    let bytes: Buffer;
    try {
      bytes = await readWhole(this.#sink.read(path, signal));
    } catch (error) {
      throw during("read manifest", error, signal);
    }
    return parseManifest(bytes.toString());
  }
}

async function readWhole(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const read: Uint8Array[] = [];
  let size = 0;
  for await (const piece of pieces) {
    size += piece.length;
    if (size > MANIFEST_BYTES_MAX) {
      throw new ManifestError("too large", { cause: undefined });
    }
    read.push(piece);
  }
  return Buffer.concat(read);
}

function stepOf(
  { storageName, relativePath }: BackedUpRepository,
  backupId: string,
  previous: readonly BackupStep[],
): BackupStep {
  const number = String(previous.length + 1).padStart(3, "0");
  const path = (ending: string): string =>
    posix.join(storageName, relativePath, backupId, `${number}.${ending}`);
  return {
    bundlePath: path("bundle"),
    refPath: path("refs"),
    previousRefPath: previous.at(-1)?.refPath ?? "",
    customHooksPath: path("custom_hooks.tar"),
  };
}

function manifestFolder({ storageName, relativePath }: BackedUpRepository): string {
  return posix.join(MANIFESTS, storageName, relativePath);
}

function manifestPath(repository: BackedUpRepository, backupId: string): string {
  return posix.join(manifestFolder(repository), `${backupId}.toml`);
}

async function* only(content: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield content;
}

/** Says what was being done and keeps apart what isn't there. */
function during(doing: string, error: unknown, signal: AbortSignal): Error {
  signal.throwIfAborted();
  const message = `${doing}: ${systemErrorText(error)}`;
  if (error instanceof BackupMissingError) return new BackupMissingError(message);
  const kind = error instanceof DomainError ? error.kind : "unknown";
  return new DomainError(kind, message, { cause: error });
}
