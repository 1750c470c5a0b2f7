import { statSync } from "node:fs";
import type { Logger } from "../../base/log/logger.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { ServerService } from "../../proto/server_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { fileSystemType } from "../../storage/file/file-system-type.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { readFilesystemId } from "../../storage/metadata/storage-metadata.ts";

type Needs = {
  readonly locator: RepositoryLocator;
  readonly git: GitRunner;
  readonly logger: Logger;
  readonly serverVersion: string;
};
type ServerInfo = Handler<typeof ServerService.method.serverInfo>;

/** Tells the versions of the server and of git, and in which state its storages are. */
export function serverInfo({ locator, git, logger, serverVersion }: Needs): ServerInfo {
  return async () => ({
    serverVersion,
    gitVersion: (await git.version()).text,
    storageStatuses: locator.storageNames.map((storageName) => {
      const path = locator.storagePath(storageName);
      return {
        storageName,
        ...accessOf(path),
        fsType: fileSystemType(path),
        filesystemId: findFilesystemId(path, logger.with({ storage: storageName })),
        // Only a router has more of them.
        replicationFactor: 1,
      };
    }),
  });
}

/** What the owner may do with a directory, by its permissions alone. */
function accessOf(path: string): { readable: boolean; writeable: boolean } {
  const mode = findMode(path) ?? 0;
  return { readable: (mode & 0o500) === 0o500, writeable: (mode & 0o200) !== 0 };
}

function findMode(path: string): number | undefined {
  try {
    return statSync(path).mode;
  } catch {
    return undefined;
  }
}

function findFilesystemId(path: string, logger: Logger): string {
  try {
    return readFilesystemId(path);
  } catch (error) {
    logger.error("reading gitaly metadata file", { error });
    return "";
  }
}
