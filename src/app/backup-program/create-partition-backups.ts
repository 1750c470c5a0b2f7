import { parseDuration } from "../../base/text/duration-text.ts";
import { PartitionService } from "../../proto/partition_pb.ts";
import { CallError } from "../../rpc/client/call-error.ts";
import { createClient } from "../../rpc/client/client.ts";
import type { GitalyServer } from "../../services/common/gitaly-servers.ts";
import { callFailureText } from "../call-failure-text.ts";
import type { BackupSession } from "./backup-session.ts";

/** Partitions that are listed at a time. */
const PAGE_LENGTH = 100;

/** Has all known servers back up the partitions of their storages. */
export async function createPartitionBackups(session: BackupSession): Promise<void> {
  const { invocation, logger, servers } = session;
  const timeoutMs = timeoutOf(invocation.flags.text("timeout"));
  const parallel = Math.max(1, invocation.flags.number("parallel"));
  for (const [storageName, server] of known(servers)) {
    logger.info(`creating partition backup for storage: ${storageName}`);
    try {
      await backUpStorage(session, { storageName, server, timeoutMs, parallel });
    } catch (error) {
      throw new Error(`partition create: ${callFailureText(error)}`, { cause: error });
    }
    logger.info(`done creating backup for storage: ${storageName}`);
  }
}

function timeoutOf(text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    throw new Error(`parse timeout duration: ${callFailureText(error)}`, { cause: error });
  }
}

function known(servers: BackupSession["servers"]): ReadonlyMap<string, GitalyServer> {
  try {
    return servers.all();
  } catch (error) {
    throw new Error(`extract gitaly servers: ${callFailureText(error)}`, { cause: error });
  }
}

interface StorageBackup {
  readonly storageName: string;
  readonly server: GitalyServer;
  readonly timeoutMs: number;
  readonly parallel: number;
}

async function backUpStorage(session: BackupSession, storage: StorageBackup): Promise<void> {
  const ids = listPartitions(session, storage);
  const counts = { success: 0, failure: 0 };
  const worker = async (): Promise<void> => {
    for (let next = await ids.next(); next.done !== true; next = await ids.next()) {
      if (await backUpPartition(session, storage, next.value)) counts.success++;
      else counts.failure++;
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: storage.parallel }, worker));
  const { success, failure } = counts;
  session.logger.info(`Partition backup completed: ${success} succeeded, ${failure} failed`);
  const failed = ends.find((end) => end.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  if (failure === 0) return;
  const total = `${success + failure} partition(s)`;
  throw new Error(`partition backup failed for ${failure} out of ${total}`);
}

async function* listPartitions(
  { servers, invocation, logger }: BackupSession,
  { server, storageName }: StorageBackup,
): AsyncGenerator<string, void, undefined> {
  const client = createClient(PartitionService, servers.channel(server, storageName));
  let pageToken = "";
  do {
    const request = { storageName, paginationParams: { pageToken, limit: PAGE_LENGTH } };
    const reply = await client
      .listPartitions(request, { signal: invocation.signal })
      .catch((error: unknown) => {
        throw new Error(`list partitions: ${callFailureText(error)}`, { cause: error });
      });
    logger.info(`processing ${reply.partitions.length} partitions`);
    for (const { id } of reply.partitions) yield id;
    pageToken = reply.paginationCursor?.nextCursor ?? "";
    if (pageToken !== "") logger.info("processing next batch");
  } while (pageToken !== "");
}

/** Returns whether there is a backup of the partition as it is, be it an earlier one. */
async function backUpPartition(
  { servers, invocation, logger }: BackupSession,
  { server, storageName, timeoutMs }: StorageBackup,
  partitionId: string,
): Promise<boolean> {
  const client = createClient(PartitionService, servers.channel(server, storageName));
  try {
    const options = { signal: invocation.signal, timeoutMs };
    await client.backupPartition({ storageName, partitionId }, options);
    return true;
  } catch (error) {
    if (error instanceof CallError && error.kind === "already-exists") return true;
    logger.error(`backup partition ${partitionId} failed: ${callFailureText(error)}`);
    return false;
  }
}
