import type { Logger } from "../../base/log/logger.ts";
import type { ObjectFormat } from "../../git/oid/oid.ts";
import type { BackupSink } from "./backup-sink.ts";
import type { BackedUpReference } from "./reference-list.ts";

/** A repository as a backup changes it. */
export interface RestoreTarget {
  /** For the log. */
  readonly storageName: string;
  readonly relativePath: string;
  exists(): Promise<boolean>;
  /** Removes the repository, if there is one. */
  remove(): Promise<void>;
  /** @param branch what HEAD is to name, without `refs/heads/`; undefined for the usual one */
  create(format: ObjectFormat, branch: string | undefined): Promise<void>;
  /** Sets references to those of a bundle; HEAD as well when that is wanted. */
  fetchBundle(pieces: AsyncIterable<Uint8Array>, updateHead: boolean): Promise<void>;
  /**
   * Makes these the only references, HEAD aside. All change or none; with `knownOnly`, those that
   * aren't wanted are removed even when the others can't be set, for want of their objects.
   */
  resetReferences(
    references: readonly BackedUpReference[],
    options: { readonly knownOnly: boolean },
  ): Promise<void>;
  /** @param reference a full name, as text */
  setHead(reference: string): Promise<void>;
  /** Reads a tar archive to its end; fails as `setCustomHooks` does when it isn't whole. */
  checkCustomHooks(archive: AsyncIterable<Uint8Array>): Promise<void>;
  /** Replaces the repository's own hooks by those in a tar archive. */
  setCustomHooks(archive: AsyncIterable<Uint8Array>): Promise<void>;
}

export interface RestoreBackupNeeds {
  readonly sink: BackupSink;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}
