import { InternalGitaly, type ScanPoolMetadataResponse } from "../../proto/internal_pb.ts";
import { dial } from "../../rpc/client/channel.ts";
import { type Client, createClient } from "../../rpc/client/client.ts";
import { callFailureText } from "../call-failure-text.ts";
import type { Config } from "../config/config.ts";
import { ConfigError } from "../config/config-error.ts";
import { configErrorText, loadConfigFile } from "../config/load-config.ts";
import type { StorageSettings } from "../config/section/storage.ts";
import type { Command, Invocation } from "./command.ts";
import { serverAddress } from "./server-address.ts";

/** Pools that one message asks GitLab about. */
const POOLS_PER_MESSAGE = 10_000;

/** `gitaly pool`: has the running server find all object pools and keep what it has found. */
export const poolCommand: Command = {
  name: "pool",
  usage: "scan and record object pool state",
  usageText: `gitaly pool --config=<gitaly_config_file>

Example: gitaly pool --config /etc/gitlab/gitaly/config.toml`,
  description: `Has the running server look through all repositories of its storages, and records which of
them borrow objects from which pool in the database that pool_metadata.database_path names.`,
  flags: {
    config: {
      kind: "text",
      usage: "path to the gitaly config file",
      short: "c",
      isRequired: true,
    },
  },
  run: recordPools,
};

type Internal = Client<typeof InternalGitaly>;

async function recordPools({ flags, args, signal, stdout, showHelp }: Invocation): Promise<number> {
  if (args.length > 0) {
    showHelp();
    throw new Error("unexpected positional arguments");
  }
  const config = await loadConfigFile(flags.text("config"), signal).catch((error: unknown) => {
    if (!(error instanceof ConfigError)) throw error;
    throw new Error(`load gitaly config: ${configErrorText(error)}`);
  });
  const token = config.auth.resolvedToken;
  await using channel = dial(addressOf(config), token === "" ? {} : { token });
  const client = createClient(InternalGitaly, channel);
  for (const storage of config.storages) {
    await recordStorage(client, storage, stdout, signal);
    signal.throwIfAborted();
  }
  return 0;
}

function addressOf(config: Config): string {
  try {
    return serverAddress(config);
  } catch (error) {
    throw new Error(`get address: ${callFailureText(error)}`, { cause: error });
  }
}

/** Goes on with the next storage when one fails, as operators are used to. */
async function recordStorage(
  client: Internal,
  { name, path }: StorageSettings,
  stdout: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  stdout(`\n=== Scanning storage: ${name} (${path}) ===\n`);
  const members: ScanPoolMetadataResponse[] = [];
  try {
    for await (const member of client.scanPoolMetadata({ storageName: name }, { signal })) {
      members.push(member);
    }
  } catch (error) {
    stdout(`ERROR: scan pool metadata: receive: ${callFailureText(error)}\n`);
    return;
  }
  stdout(`found ${members.length} pool members\n`);
  if (members.length === 0) return;
  try {
    const upstreams = await findUpstreams(client, name, members, signal);
    const found = members.map(({ relativePath, poolDiskPath }) => {
      const isUpstream = upstreams.get(poolDiskPath) === relativePath;
      stdout(`pool member: ${relativePath} -> ${poolDiskPath} [isUpstream: ${isUpstream}]\n`);
      return { storageName: name, relativePath, poolDiskPath, isUpstream };
    });
    await client.storePoolMetadata(found, { signal });
  } catch (error) {
    signal.throwIfAborted();
    stdout(`ERROR: ${callFailureText(error)}\n`);
  }
}

/** Asks GitLab for the repository that each pool was made of. */
async function findUpstreams(
  client: Internal,
  storageName: string,
  members: readonly ScanPoolMetadataResponse[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const pools = [...new Set(members.map(({ poolDiskPath }) => poolDiskPath))];
  const requests: { storageName: string; poolDiskPaths: string[] }[] = [];
  for (let start = 0; start < pools.length; start += POOLS_PER_MESSAGE) {
    const poolDiskPaths = pools.slice(start, start + POOLS_PER_MESSAGE);
    requests.push({ storageName: start === 0 ? storageName : "", poolDiskPaths });
  }
  const found = new Map<string, string>();
  for await (const { upstreams } of client.listPoolUpstreams(requests, { signal })) {
    for (const [pool, upstream] of Object.entries(upstreams)) found.set(pool, upstream);
  }
  return found;
}
