import { posix } from "node:path";
import { type BackupSink, findLatestBlob } from "./backup-sink.ts";

/** Holds an empty blob for each run over all repositories, by the run's id. */
const FOLDER = "backup_ids";

/** Notes that a run is complete. */
export async function writeBackupId(
  sink: BackupSink,
  backupId: string,
  signal: AbortSignal,
): Promise<void> {
  // Not cleaned as a path, as other programs don't do so either.
  await sink.write(`${FOLDER}/${backupId}`, nothing(), signal);
}

/** The id of the run that was completed last, or undefined when none was. */
export async function readLatestBackupId(
  sink: BackupSink,
  signal: AbortSignal,
): Promise<string | undefined> {
  const latest = await findLatestBlob(sink, FOLDER, signal);
  return latest && posix.basename(latest.path);
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {}
