import { ObjectPoolService } from "../../src/proto/objectpool_pb.ts";
import { RemoteService } from "../../src/proto/remote_pb.ts";
import { RepositoryService } from "../../src/proto/repository_pb.ts";
import type { CallOptions } from "../../src/rpc/client/call-options.ts";
import type { Channel } from "../../src/rpc/client/channel.ts";
import { createClient } from "../../src/rpc/client/client.ts";

interface Address {
  readonly storageName: string;
  readonly relativePath: string;
}

/** What repositories can be made of. All of it stays as it is. */
export interface CreationSources {
  readonly source: Address;
  /** The same one in a storage of its own. */
  readonly other: Address;
  readonly pool: Address;
  /** Of the source, for git. */
  readonly url: string;
  /** Of an archive of the source. */
  readonly snapshotUrl: string;
  /** Of a repository that takes pushes. */
  readonly mirrorUrl: string;
  readonly bundle: Buffer;
  /** Where there is a backup of the source. */
  readonly vanity: Address;
}

/** A call that makes, fills or removes a repository. */
export interface Creation {
  make(
    channel: Channel,
    target: CreationSources & { readonly repository: Address },
    options: CallOptions,
  ): Promise<unknown>;
  /** What is at the target's place before; nothing if this isn't given. */
  readonly from?: "source" | "pool" | "member";
  /** The place is one of pools. */
  readonly isPool?: boolean;
  /** Objects that no reference leads to may stay: housekeeping prunes them. */
  readonly leavesObjects?: boolean;
  /** Changes step by step what is there, in an order that is safe: only temporary files must go. */
  readonly isGradual?: boolean;
}

const repositories = (channel: Channel) => createClient(RepositoryService, channel);
const pools = (channel: Channel) => createClient(ObjectPoolService, channel);

/** One call of each RPC that makes, fills or removes a repository; all of them succeed. */
export const EVERY_CREATION: Readonly<Record<string, Creation>> = {
  createRepository: {
    make: (channel, { repository }, options) =>
      repositories(channel).createRepository({ repository }, options),
  },
  createRepositoryFromURL: {
    make: (channel, { repository, url }, options) =>
      repositories(channel).createRepositoryFromURL({ repository, url, mirror: true }, options),
  },
  createRepositoryFromBundle: {
    make: (channel, { repository, bundle }, options) =>
      repositories(channel).createRepositoryFromBundle([{ repository, data: bundle }], options),
  },
  createRepositoryFromSnapshot: {
    make: (channel, { repository, snapshotUrl: httpUrl }, options) =>
      repositories(channel).createRepositoryFromSnapshot({ repository, httpUrl }, options),
  },
  createFork: {
    make: (channel, { repository, source }, options) =>
      repositories(channel).createFork({ repository, sourceRepository: source }, options),
  },
  replicateRepository: {
    isGradual: true,
    make: (channel, { repository, other }, options) =>
      repositories(channel).replicateRepository({ repository, source: other }, options),
  },
  "replicateRepository to one that is there": {
    from: "source",
    isGradual: true,
    make: (channel, { repository, other }, options) =>
      repositories(channel).replicateRepository({ repository, source: other }, options),
  },
  restoreRepository: {
    isGradual: true,
    make: (channel, { repository, vanity }, options) => {
      const request = { repository, vanityRepository: vanity };
      return repositories(channel).restoreRepository(request, options);
    },
  },
  createObjectPool: {
    isPool: true,
    make: (channel, { repository, source }, options) => {
      const request = { origin: source, objectPool: { repository } };
      return pools(channel).createObjectPool(request, options);
    },
  },
  fetchIntoObjectPool: {
    from: "pool",
    isPool: true,
    isGradual: true,
    make: (channel, { repository, source }, options) => {
      const request = { origin: source, objectPool: { repository } };
      return pools(channel).fetchIntoObjectPool(request, options);
    },
  },
  linkRepositoryToObjectPool: {
    from: "source",
    make: (channel, { repository, pool }, options) => {
      const request = { repository, objectPool: { repository: pool } };
      return pools(channel).linkRepositoryToObjectPool(request, options);
    },
  },
  disconnectGitAlternates: {
    from: "member",
    isGradual: true,
    make: (channel, { repository }, options) =>
      pools(channel).disconnectGitAlternates({ repository }, options),
  },
  deleteObjectPool: {
    from: "pool",
    isPool: true,
    make: (channel, { repository }, options) =>
      pools(channel).deleteObjectPool({ objectPool: { repository } }, options),
  },
  fetchRemote: {
    from: "member",
    leavesObjects: true,
    make: (channel, { repository, url }, options) =>
      repositories(channel).fetchRemote({ repository, remoteParams: { url } }, options),
  },
  updateRemoteMirror: {
    from: "source",
    make: (channel, { repository, mirrorUrl: url }, options) => {
      const client = createClient(RemoteService, channel);
      return client.updateRemoteMirror([{ repository, remote: { url } }], options);
    },
  },
  backupRepository: {
    from: "source",
    make: (channel, { repository, vanity }, options) => {
      const request = { repository, vanityRepository: { ...vanity, relativePath: "b.git" } };
      return repositories(channel).backupRepository({ ...request, backupId: "b" }, options);
    },
  },
  removeRepository: {
    from: "source",
    make: (channel, { repository }, options) =>
      repositories(channel).removeRepository({ repository }, options),
  },
};
