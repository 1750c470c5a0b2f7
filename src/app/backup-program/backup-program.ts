import { availableParallelism } from "node:os";
import { systemErrorText } from "../../base/error/system-error-text.ts";
import type { Logger } from "../../base/log/logger.ts";
import type { Command, Invocation } from "../cli/command.ts";
import type { FlagDefinitions } from "../cli/parse-flags.ts";
import type { BackupSession } from "./backup-session.ts";
import { createBackups } from "./create-backups.ts";
import { createPartitionBackups } from "./create-partition-backups.ts";
import { KnownServers } from "./known-servers.ts";
import { restoreBackups } from "./restore-backups.ts";

/** A logger whose lines are all written once this is disposed of. */
interface OpenLogger extends AsyncDisposable {
  readonly logger: Logger;
}

export interface BackupProgramNeeds {
  readonly openLogger: () => OpenLogger;
  readonly now: Date;
}

/** Works through one run; what it throws is logged, and makes the program fail. */
type Work = (session: BackupSession) => Promise<void>;

/** The `gitaly-backup` executable: backs up and restores repositories of many servers. */
export function backupProgram(needs: BackupProgramNeeds): Command {
  const path = "Directory where the backup files will be created/restored.";
  return {
    name: "gitaly-backup",
    usage: "create gitaly backups",
    description: "Backs up and restores the repositories that standard input names.",
    flags: { path: { kind: "text", usage: path } },
    commands: [
      {
        name: "create",
        usage: "Create backup file",
        description: "Backs up the repositories that standard input names, as JSON objects.",
        flags: createFlags(needs.now),
        run: (invocation) => run(invocation, needs, createBackups),
      },
      {
        name: "restore",
        usage: "Restore backup file",
        description: "Restores the repositories that standard input names, as JSON objects.",
        flags: restoreFlags(),
        run: (invocation) => run(invocation, needs, restoreBackups),
      },
      partitionCommand(needs),
    ],
  };
}

function partitionCommand(needs: BackupProgramNeeds): Command {
  return {
    name: "partition",
    usage: "Commands to create and restore partition backups",
    description: "Backs up partitions, which servers with transactions have.",
    commands: [
      {
        name: "create",
        usage: "Create partition backups",
        description: "Has all servers of GITALY_SERVERS back up the partitions of their storages.",
        flags: PARTITION_FLAGS,
        run: (invocation) => run(invocation, needs, createPartitionBackups),
      },
    ],
  };
}

async function run(
  invocation: Invocation,
  { openLogger }: BackupProgramNeeds,
  work: Work,
): Promise<number> {
  await using log = openLogger();
  const { logger } = log;
  try {
    await using servers = openServers(invocation);
    await work({ invocation, logger, servers });
    return 0;
  } catch (error) {
    logger.error(systemErrorText(error));
    return 1;
  }
}

function openServers({ environment }: Invocation): KnownServers {
  try {
    return new KnownServers(environment);
  } catch (error) {
    const message = `injecting GITALY_SERVERS: ${systemErrorText(error)}`;
    throw new Error(message, { cause: error });
  }
}

const COMMON_FLAGS: FlagDefinitions = {
  path: { kind: "text", usage: "repository backup path" },
};

function parallelFlags(): FlagDefinitions {
  return {
    parallel: {
      kind: "number",
      usage: "maximum number of parallel backups",
      value: String(availableParallelism()),
    },
    "parallel-storage": {
      kind: "number",
      usage:
        "maximum number of parallel backups per storage. Note: actual parallelism when combined " +
        "with -parallel depends on the order the repositories are received.",
      value: "2",
    },
  };
}

const SERVER_SIDE: FlagDefinitions = {
  "server-side": { kind: "truth", usage: "use server-side backups." },
};

const PARTITION_FLAGS: FlagDefinitions = {
  parallel: {
    kind: "number",
    usage: "maximum number of parallel backups per storage",
    value: "2",
  },
  timeout: {
    kind: "text",
    usage: 'timeout for a single partition backup operation, e.g. "30s", "1m", "2h45m"',
    value: "5m",
  },
};

function createFlags(now: Date): FlagDefinitions {
  return {
    ...COMMON_FLAGS,
    ...parallelFlags(),
    incremental: { kind: "truth", usage: "creates an incremental backup if possible." },
    id: {
      kind: "text",
      usage: "the backup ID used when creating a full backup.",
      value: now.toISOString().slice(0, 19).replaceAll(/\D/g, ""),
    },
    ...SERVER_SIDE,
  };
}

function restoreFlags(): FlagDefinitions {
  return {
    ...COMMON_FLAGS,
    ...parallelFlags(),
    "remove-all-repositories": {
      kind: "texts",
      usage:
        "comma-separated list of storage names to have all repositories removed from before " +
        "restoring.",
    },
    id: {
      kind: "text",
      usage: "ID of full backup to restore. If not specified, the latest backup is restored.",
    },
    ...SERVER_SIDE,
  };
}
