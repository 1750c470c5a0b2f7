import type { GitalyServer } from "../../services/common/gitaly-servers.ts";

/** A repository on some server. */
export interface RemoteAddress {
  readonly storageName: string;
  readonly relativePath: string;
  readonly glProjectPath: string;
}

/** What to back up, and how. */
export interface CreateRequest {
  readonly server: GitalyServer;
  readonly repository: RemoteAddress;
  readonly backupId: string;
  /** The latest run over all repositories; empty when not known. */
  readonly latestBackupId: string;
  readonly incremental: boolean;
}

/** What to restore, and from what. */
export interface RestoreRequest {
  readonly server: GitalyServer;
  readonly repository: RemoteAddress;
  /** Empty for the latest. */
  readonly backupId: string;
  /** Whether the repository's latest backup will do when it has none by that id. */
  readonly useLatest: boolean;
  readonly alwaysCreate: boolean;
}

/** Who makes and restores backups: this program, or the servers by themselves. */
export interface BackupOperator {
  create(request: CreateRequest, signal: AbortSignal): Promise<void>;
  restore(request: RestoreRequest, signal: AbortSignal): Promise<void>;
  /** Notes that a run over all repositories is complete. */
  writeBackupId(backupId: string, signal: AbortSignal): Promise<void>;
  /** The id of the run that was completed last; undefined when none was. */
  readLatestBackupId(signal: AbortSignal): Promise<string | undefined>;
}

/** There was nothing to do for a repository, which is no failure. */
export class SkippedError extends Error {}
