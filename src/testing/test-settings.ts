import { BACKUP_DEFAULTS, type BackupSettings } from "../app/config/section/backup.ts";
import { GIT_DEFAULTS, type GitSettings } from "../app/config/section/git.ts";
import { GITLAB_DEFAULTS, type GitlabSettings } from "../app/config/section/gitlab.ts";
import { RAFT_DEFAULTS, type RaftSettings } from "../app/config/section/raft.ts";
import {
  ARCHIVE_CACHE_DEFAULTS,
  type StreamCacheSettings,
} from "../app/config/section/stream-cache.ts";

/** The section `[git]` of a configuration, for `startTestServer`; what isn't given is as usual. */
export function gitSettings(changes: Partial<GitSettings>): GitSettings {
  return { ...GIT_DEFAULTS, ...changes };
}

/** The section `[gitlab]`, see `gitSettings`. */
export function gitlabSettings(changes: Partial<GitlabSettings>): GitlabSettings {
  return { ...GITLAB_DEFAULTS, ...changes };
}

/** The section `[backup]`, see `gitSettings`. */
export function backupSettings(changes: Partial<BackupSettings>): BackupSettings {
  return { ...BACKUP_DEFAULTS, ...changes };
}

/** The section `[raft]`, see `gitSettings`. */
export function raftSettings(changes: Partial<RaftSettings>): RaftSettings {
  return { ...RAFT_DEFAULTS, ...changes };
}

/** The section `[archive_cache]`, see `gitSettings`. */
export function archiveCacheSettings(changes: Partial<StreamCacheSettings>): StreamCacheSettings {
  return { ...ARCHIVE_CACHE_DEFAULTS, ...changes };
}
