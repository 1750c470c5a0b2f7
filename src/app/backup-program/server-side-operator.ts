import { BackupService } from "../../proto/backup_pb.ts";
import {
  BackupRepositoryResponse_SkippedErrorSchema,
  RepositoryService,
  RestoreRepositoryResponse_SkippedErrorSchema,
} from "../../proto/repository_pb.ts";
import { CallError } from "../../rpc/client/call-error.ts";
import type { Channel } from "../../rpc/client/channel.ts";
import { createClient } from "../../rpc/client/client.ts";
import { callFailureText } from "../call-failure-text.ts";
import {
  type BackupOperator,
  type CreateRequest,
  type RestoreRequest,
  SkippedError,
} from "./backup-operator.ts";
import type { KnownServers } from "./known-servers.ts";

const SKIPPED_TYPES: readonly string[] = [
  BackupRepositoryResponse_SkippedErrorSchema.typeName,
  RestoreRepositoryResponse_SkippedErrorSchema.typeName,
];

/** Has servers make and restore backups where their own configuration says. */
export class ServerSideOperator implements BackupOperator {
  readonly #servers: KnownServers;

  constructor(servers: KnownServers) {
    this.#servers = servers;
  }

  async create({ server, ...request }: CreateRequest, signal: AbortSignal): Promise<void> {
    const { repository } = request;
    const fields = { ...request, vanityRepository: repository };
    try {
      const channel = this.#servers.channel(server, repository.storageName);
      await createClient(RepositoryService, channel).backupRepository(fields, { signal });
    } catch (error) {
      const message = `server-side create: ${callFailureText(error)}`;
      if (isSkipped(error) || (error instanceof CallError && error.kind === "not-found")) {
        throw new SkippedError(message, { cause: error });
      }
      throw new Error(message, { cause: error });
    }
  }

  async restore({ server, ...request }: RestoreRequest, signal: AbortSignal): Promise<void> {
    const { repository } = request;
    const fields = { ...request, vanityRepository: repository };
    try {
      const channel = this.#servers.channel(server, repository.storageName);
      await createClient(RepositoryService, channel).restoreRepository(fields, { signal });
    } catch (error) {
      const message = `server-side restore: ${messageOf(error)}`;
      throw isSkipped(error)
        ? new SkippedError(message, { cause: error })
        : new Error(message, { cause: error });
    }
  }

  async writeBackupId(backupId: string, signal: AbortSignal): Promise<void> {
    try {
      const [storageName, channel] = this.#any();
      await createClient(BackupService, channel).writeBackupID(
        { storageName, backupId },
        { signal },
      );
    } catch (error) {
      throw new Error(`server-side write backup id: ${messageOf(error)}`, { cause: error });
    }
  }

  async readLatestBackupId(signal: AbortSignal): Promise<string | undefined> {
    try {
      const [storageName, channel] = this.#any();
      const client = createClient(BackupService, channel);
      return (await client.readLatestBackupID({ storageName }, { signal })).backupId;
    } catch (error) {
      if (error instanceof CallError && error.kind === "not-found") return undefined;
      throw new Error(`server-side read latest backup id: ${messageOf(error)}`, { cause: error });
    }
  }

  /** All servers share the place of their backups, so any of them will do. */
  #any(): [storageName: string, channel: Channel] {
    let entries: ReturnType<KnownServers["all"]>;
    try {
      entries = this.#servers.all();
    } catch (error) {
      throw new Error(`extract gitaly servers: ${messageOf(error)}`, { cause: error });
    }
    for (const [storageName, server] of entries) {
      return [storageName, this.#servers.channel(server, storageName)];
    }
    throw new Error("no gitaly servers found in context");
  }
}

function isSkipped(error: unknown): boolean {
  if (!(error instanceof CallError)) return false;
  return error.details.some(({ typeUrl }) =>
    SKIPPED_TYPES.includes(typeUrl.slice(typeUrl.lastIndexOf("/") + 1)),
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
