import { create, toJsonString } from "@bufbuild/protobuf";
import { quoteText } from "../../base/text/quote-text.ts";
import type { GitFlag } from "../../gitcmd/git-command.ts";
import type { Repository } from "../../proto/shared_pb.ts";
import { SSHUploadPackWithSidechannelRequestSchema } from "../../proto/ssh_pb.ts";
import type { Call } from "../../rpc/call.ts";
import { invalidArgument, wrapError } from "../../rpc/rpc-error.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { featureFlags } from "./feature-flags.ts";
import { type GitalyServer, gitalyServers } from "./gitaly-servers.ts";

/** How git calls the program that stands in for ssh between servers, `gitaly-ssh`. */
export interface SshProgram {
  /** For a shell, without arguments. */
  readonly command: string;
  /** What it needs of the server's own environment. */
  readonly env: Readonly<Record<string, string>>;
}

export interface InternalSourceNeeds {
  readonly locator: RepositoryLocator;
  readonly sshProgram: SshProgram;
}

/** How git fetches from a repository that this server, or another one of the installation, has. */
export interface InternalSource {
  readonly url: string;
  readonly flags: readonly GitFlag[];
  readonly env: Readonly<Record<string, string>>;
}

export interface SourceOptions {
  /** The storage of the repository that fetches. */
  readonly targetStorage: string;
  /** Lets the serving git speak this version of the protocol; empty for its first. */
  readonly gitProtocol?: string;
}

/** Whoever speaks for `ssh://gitaly` doesn't look at the URL. */
const INTERNAL_URL = "ssh://gitaly/internal.git";

const ANY_OBJECT = "uploadpack.allowAnySHA1InWant=true";

/** A fetch between servers sees every reference. */
const SERVE_ALL = [
  "git",
  ...["-c uploadpack.allowFilter=true", `-c ${ANY_OBJECT}`, "-c 'transfer.hideRefs=!refs'"],
  ...["-c pack.windowMemory=100m", "-c pack.allowPackReuse=multi", "upload-pack"],
].join(" ");

/**
 * Finds the way to a repository of the installation that the caller names a server for.
 *
 * One in the same storage is reached through the file system: calling ourselves would cost two
 * more processes and carry every byte through a socket.
 */
export function internalSource(
  { locator, sshProgram }: InternalSourceNeeds,
  source: Repository,
  { targetStorage, gitProtocol = "" }: SourceOptions,
  call: Call,
): InternalSource {
  const server = findServer(source, call);
  const path = source.storageName === targetStorage ? localPath(locator, source) : undefined;
  if (path !== undefined) return { url: path, flags: [["--upload-pack", SERVE_ALL]], env: {} };
  const request = create(SSHUploadPackWithSidechannelRequestSchema, {
    repository: source,
    gitConfigOptions: gitProtocol === "" ? [] : [ANY_OBJECT],
    gitProtocol,
  });
  const flags = [...featureFlags(call.metadata)].map(([name, value]) => `${name}:${value}`);
  return {
    url: INTERNAL_URL,
    flags: [],
    env: {
      ...sshProgram.env,
      GITALY_PAYLOAD: toJsonString(SSHUploadPackWithSidechannelRequestSchema, request),
      GIT_SSH_COMMAND: `${sshProgram.command} upload-pack`,
      GIT_SSH_VARIANT: "simple",
      GITALY_ADDRESS: server.address,
      GITALY_TOKEN: server.token,
      GITALY_FEATUREFLAGS: flags.join(","),
      CORRELATION_ID: call.correlationId,
    },
  };
}

function findServer({ storageName }: Repository, { metadata }: Call): GitalyServer {
  const server = readServers(metadata).get(storageName);
  if (server === undefined) {
    throw invalidArgument(`no storage info for ${quoteText(storageName)}`);
  }
  if (server.address === "") throw invalidArgument("empty Gitaly address");
  return server;
}

function readServers(metadata: Call["metadata"]): ReadonlyMap<string, GitalyServer> {
  try {
    return gitalyServers(metadata);
  } catch (error) {
    throw wrapError("internal", "extracting Gitaly servers", error);
  }
}

/** Where a repository is that is here as it stands; undefined leaves it to its server to judge. */
function localPath(locator: RepositoryLocator, source: Repository): string | undefined {
  if (source.gitObjectDirectory !== "" || source.gitAlternateObjectDirectories.length > 0) {
    return undefined;
  }
  try {
    return locator.locate(source).path;
  } catch {
    return undefined;
  }
}
