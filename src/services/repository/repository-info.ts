import { dirname, relative } from "node:path";
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  RepositoryInfoResponse_ReferencesInfo_ReferenceBackend as ReferenceBackend,
  type RepositoryInfoResponseSchema,
  type RepositoryService,
} from "../../proto/repository_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { wrapError } from "../../rpc/rpc-error.ts";
import { isObjectPoolPath } from "../../storage/locator/object-pool-path.ts";
import type {
  LocatedRepository,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";
import type { BitmapInfo } from "../../storage/repository-info/bitmap-info.ts";
import {
  readLooseObjectsInfo,
  STALE_AFTER_MS,
} from "../../storage/repository-info/loose-objects-info.ts";
import { mergeObjectPool, type PoolInfo } from "../../storage/repository-info/merge-object-pool.ts";
import { readPackfilesInfo } from "../../storage/repository-info/packfiles-info.ts";
import {
  type RepositoryInfo,
  readRepositoryInfo,
} from "../../storage/repository-info/repository-info.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { measureBytes } from "./measure-kibibytes.ts";

type Needs = { readonly locator: RepositoryLocator };
type GetRepositoryInfo = Handler<typeof RepositoryService.method.repositoryInfo>;
type Response = MessageInitShape<typeof RepositoryInfoResponseSchema>;

/** Tells how a repository is stored. What it borrows from an object pool counts as its own. */
export function repositoryInfo({ locator }: Needs): GetRepositoryInfo {
  return async (request, { signal }) => {
    const repository = locateRepository(locator, request.repository);
    const { path, relativePath } = repository;
    const size = await measureBytes(path, "repository", signal);
    const info = await derive("repository info", () => readRepositoryInfo(path, signal));
    const isObjectPool = isObjectPoolPath(relativePath);
    const [poolObjects] = info.alternates?.absolutePaths ?? [];
    if (poolObjects === undefined) return toResponse(size, info, isObjectPool);
    const pool = locatePool(locator, repository, dirname(poolObjects));
    const poolInfo = await readPoolInfo(pool, signal);
    const poolSize = await measureBytes(pool.path, "pool repository", signal);
    return toResponse(size + poolSize, mergeObjectPool(info, poolInfo), isObjectPool);
  };
}

function locatePool(
  locator: RepositoryLocator,
  { storageName, storagePath }: LocatedRepository,
  path: string,
): LocatedRepository {
  try {
    return locator.locate({ storageName, relativePath: relative(storagePath, path) });
  } catch (error) {
    const doing = "deriving pool loose objects info: getting repository path";
    throw wrapError("internal", doing, error);
  }
}

async function readPoolInfo({ path }: LocatedRepository, signal: AbortSignal): Promise<PoolInfo> {
  const staleBeforeMs = Date.now() - STALE_AFTER_MS;
  return {
    looseObjects: await derive("pool loose objects info", () =>
      readLooseObjectsInfo(path, staleBeforeMs, signal),
    ),
    packfiles: await derive("pool packfiles info", async () => readPackfilesInfo(path)),
  };
}

async function derive<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw wrapError("internal", `deriving ${what}`, error);
  }
}

function toResponse(size: number, info: RepositoryInfo, isObjectPool: boolean): Response {
  const { alternates, commitGraph, packfiles } = info;
  return {
    size: BigInt(size),
    references: toReferences(info),
    objects: toObjects(info),
    commitGraph: commitGraph && {
      commitGraphChainLength: BigInt(commitGraph.chainLength),
      hasBloomFilters: commitGraph.hasBloomFilters,
      hasGenerationData: commitGraph.hasGenerationData,
      hasGenerationDataOverflow: commitGraph.hasGenerationDataOverflow,
    },
    bitmap: toBitmap(packfiles.bitmap),
    multiPackIndex: packfiles.multiPackIndex && {
      ...packfiles.multiPackIndex,
      packfileCount: BigInt(packfiles.multiPackIndex.packfileCount),
      version: BigInt(packfiles.multiPackIndex.version),
    },
    multiPackIndexBitmap: toBitmap(packfiles.multiPackIndexBitmap),
    alternates: alternates && {
      objectDirectories: [...alternates.objectDirectories],
      lastModified: toTimestamp(alternates.modifiedMs),
    },
    isObjectPool,
    lastFullRepack: toTimestamp(packfiles.lastFullRepackMs),
  };
}

const BACKENDS = { files: ReferenceBackend.FILES, reftable: ReferenceBackend.REFTABLE } as const;

function toReferences({ references }: RepositoryInfo): Response["references"] {
  return {
    looseCount: BigInt(references.looseCount),
    packedSize: BigInt(references.packedSize),
    referenceBackend: BACKENDS[references.format],
  };
}

function toObjects({ looseObjects, packfiles }: RepositoryInfo): Response["objects"] {
  const size = looseObjects.size + packfiles.size;
  const staleSize = looseObjects.staleSize + packfiles.cruftSize;
  return {
    size: BigInt(size),
    recentSize: BigInt(size - staleSize),
    staleSize: BigInt(staleSize),
    keepSize: BigInt(packfiles.keepSize),
    packfileCount: BigInt(packfiles.count),
    reverseIndexCount: BigInt(packfiles.reverseIndexCount),
    cruftCount: BigInt(packfiles.cruftCount),
    keepCount: BigInt(packfiles.keepCount),
    looseObjectsCount: BigInt(looseObjects.count),
    staleLooseObjectsCount: BigInt(looseObjects.staleCount),
    looseObjectsGarbageCount: BigInt(looseObjects.garbageCount),
  };
}

function toBitmap(bitmap: BitmapInfo | undefined): Response["bitmap"] {
  return bitmap && { ...bitmap, version: BigInt(bitmap.version) };
}

/** Fractions of a second are not sent. */
function toTimestamp(ms: number | undefined): Response["lastFullRepack"] {
  return ms === undefined ? undefined : { seconds: BigInt(Math.floor(ms / 1000)) };
}
