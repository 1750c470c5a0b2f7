import { urlReason } from "../check/url.ts";
import { at, type Problem } from "../problem.ts";
import { count, type Fields, integer, text } from "../shape.ts";

/** `[backup]`: where the server keeps copies of its repositories. */
export interface BackupSettings {
  readonly goCloudUrl: string;
  readonly walGoCloudUrl: string;
  readonly walWorkerCount: number;
  /** Size of an upload's parts; 0 for the driver's choice. */
  readonly bufferBytes: number;
}

/** `[bundle_uri]`: where bundles for clients are kept. */
export interface BundleUriSettings {
  readonly goCloudUrl: string;
}

export const BACKUP_DEFAULTS: BackupSettings = {
  goCloudUrl: "",
  walGoCloudUrl: "",
  walWorkerCount: 0,
  bufferBytes: 0,
};

export const BUNDLE_URI_DEFAULTS: BundleUriSettings = { goCloudUrl: "" };

export const BACKUP_FIELDS: Fields<BackupSettings> = {
  goCloudUrl: text("go_cloud_url"),
  walGoCloudUrl: text("wal_backup_go_cloud_url"),
  walWorkerCount: count("wal_backup_worker_count"),
  bufferBytes: integer("buffer_size"),
};

export const BUNDLE_URI_FIELDS: Fields<BundleUriSettings> = { goCloudUrl: text("go_cloud_url") };

export function completeBackup(backup: BackupSettings): BackupSettings {
  return { ...backup, walWorkerCount: backup.walWorkerCount || 1 };
}

export function checkBackup({ goCloudUrl, walGoCloudUrl }: BackupSettings): readonly Problem[] {
  return [
    ...at("go_cloud_url", urlReason(goCloudUrl)),
    ...at("wal_backup_go_cloud_url", urlReason(walGoCloudUrl)),
  ];
}
