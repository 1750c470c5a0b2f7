import { type Oid, parseOid } from "../../git/oid/oid.ts";
import { binaryFromBytes, bytesFromBinary } from "../../git/ref/binary-string.ts";
import { CommitService } from "../../proto/commit_pb.ts";
import { RefService } from "../../proto/ref_pb.ts";
import { RepositoryService } from "../../proto/repository_pb.ts";
import type { Repository } from "../../proto/shared_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { CallOptions } from "../../rpc/client/call-options.ts";
import type { Channel } from "../../rpc/client/channel.ts";
import { createClient } from "../../rpc/client/client.ts";
import { RpcError, wrapError } from "../../rpc/rpc-error.ts";
import { gitalyServer } from "./gitaly-servers.ts";
import type { ServerChannels } from "./server-channels.ts";

/** A repository of the installation, wherever it is, as its server tells of it. */
export class RemoteRepository {
  readonly #repository: Repository;
  readonly #channel: Channel;
  readonly #options: CallOptions;

  constructor(repository: Repository, channel: Channel, options: CallOptions) {
    this.#repository = repository;
    this.#channel = channel;
    this.#options = options;
  }

  /** The commit that a revision, a binary string, stands for; undefined when there is none. */
  async findCommit(revision: string): Promise<Oid | undefined> {
    const request = { repository: this.#repository, revision: bytesFromBinary(revision) };
    const client = createClient(CommitService, this.#channel);
    const { commit } = await client.findCommit(request, this.#options);
    if (commit === undefined || commit.id === "") return undefined;
    const oid = parseOid(commit.id);
    if (oid === undefined) throw new RpcError("unknown", "parsing object ID: invalid object ID");
    return oid;
  }

  /** Whether there is any branch. */
  async hasBranches(): Promise<boolean> {
    const client = createClient(RepositoryService, this.#channel);
    const { value } = await client.hasLocalBranches(
      { repository: this.#repository },
      this.#options,
    );
    return value;
  }

  /** The reference that HEAD names, a binary string; it need not exist. */
  async headReference(): Promise<string> {
    const request = { repository: this.#repository, headOnly: true };
    const client = createClient(RefService, this.#channel);
    const { name } = await client.findDefaultBranchName(request, this.#options);
    return binaryFromBytes(name);
  }
}

/** Finds the server of a repository in what the caller has told. Nothing is asked yet. */
export function openRemoteRepository(
  channels: ServerChannels,
  repository: Repository,
  call: Call,
  metadata: CallOptions["metadata"] = onBehalfOf(call),
): RemoteRepository {
  const options = { signal: call.signal, metadata };
  const server = wrapped("remote repository", () =>
    gitalyServer(call.metadata, repository.storageName),
  );
  return new RemoteRepository(
    repository,
    wrapped("dial", () => channels.channel(server)),
    options,
  );
}

/** What a call says of itself to the servers that it asks: whose request it is part of. */
export function onBehalfOf({ correlationId }: Call): Record<string, string> {
  return { "x-gitlab-correlation-id": correlationId };
}

function wrapped<Result>(doing: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw wrapError("unknown", doing, error);
  }
}
