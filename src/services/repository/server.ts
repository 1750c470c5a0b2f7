import { RepositoryService } from "../../proto/repository_pb.ts";
import { type ServiceRegistration, serve } from "../../rpc/handler.ts";
import type { BackupMetrics } from "../../storage/backup/backup-metrics.ts";
import type { BackupSink } from "../../storage/backup/backup-sink.ts";
import type { Housekeeping } from "../../storage/housekeeping/housekeeping.ts";
import type { BundleUris } from "../common/bundle-uri/bundle-uris.ts";
import type { CreateNeeds } from "../common/create-repository.ts";
import type { ReadNeeds } from "../common/open-repository.ts";
import { backupCustomHooks } from "./backup-custom-hooks.ts";
import { backupRepository } from "./backup-repository.ts";
import { calculateChecksum } from "./calculate-checksum.ts";
import { createBundle } from "./create-bundle.ts";
import { createBundleFromRefList } from "./create-bundle-from-ref-list.ts";
import { createFork } from "./create-fork.ts";
import { createRepository } from "./create-repository.ts";
import { createRepositoryFromBundle } from "./create-repository-from-bundle.ts";
import { createRepositoryFromSnapshot } from "./create-repository-from-snapshot.ts";
import { createRepositoryFromUrl } from "./create-repository-from-url.ts";
import { fastExport } from "./fast-export.ts";
import { fetchBundle } from "./fetch-bundle.ts";
import { fetchRemote } from "./fetch-remote.ts";
import { fetchSourceBranch } from "./fetch-source-branch.ts";
import { findLicense } from "./find-license.ts";
import { findMergeBase } from "./find-merge-base.ts";
import { fsck } from "./fsck.ts";
import { generateBundleUri } from "./generate-bundle-uri.ts";
import { type ArchiveNeeds, getArchive } from "./get-archive.ts";
import { getConfig } from "./get-config.ts";
import { getCustomHooks } from "./get-custom-hooks.ts";
import { getFileAttributes } from "./get-file-attributes.ts";
import { getInfoAttributes } from "./get-info-attributes.ts";
import { getObjectDirectorySize } from "./get-object-directory-size.ts";
import { getRawChanges } from "./get-raw-changes.ts";
import { getSnapshot } from "./get-snapshot.ts";
import { hasLocalBranches } from "./has-local-branches.ts";
import { migrateReferenceBackend } from "./migrate-reference-backend.ts";
import type { MirrorNeeds } from "./mirror-references.ts";
import { objectFormat } from "./object-format.ts";
import { objectsSize } from "./objects-size.ts";
import { type Offloading, optimizeRepository } from "./optimize-repository.ts";
import { pruneUnreachableObjects } from "./prune-unreachable-objects.ts";
import { removeRepository } from "./remove-repository.ts";
import { replicateRepository } from "./replicate-repository.ts";
import { repositoryExists } from "./repository-exists.ts";
import { repositoryInfo } from "./repository-info.ts";
import { repositorySize } from "./repository-size.ts";
import { restoreCustomHooks } from "./restore-custom-hooks.ts";
import { restoreRepository } from "./restore-repository.ts";
import { searchFilesByContent } from "./search-files-by-content.ts";
import { searchFilesByName } from "./search-files-by-name.ts";
import { setCustomHooks } from "./set-custom-hooks.ts";
import { writeRef } from "./write-ref.ts";

type Needs = ReadNeeds &
  MirrorNeeds &
  CreateNeeds &
  ArchiveNeeds & {
    readonly housekeeping: Housekeeping;
    readonly offloading: Offloading;
    readonly backupSink: BackupSink | undefined;
    readonly backupMetrics: BackupMetrics;
    readonly bundleUris: BundleUris | undefined;
  };

export function repositoryService(needs: Needs): ServiceRegistration {
  return serve(RepositoryService, {
    backupCustomHooks: backupCustomHooks(needs),
    backupRepository: backupRepository(needs),
    calculateChecksum: calculateChecksum(needs),
    createBundle: createBundle(needs),
    createBundleFromRefList: createBundleFromRefList(needs),
    createFork: createFork(needs),
    createRepository: createRepository(needs),
    createRepositoryFromBundle: createRepositoryFromBundle(needs),
    createRepositoryFromSnapshot: createRepositoryFromSnapshot(needs),
    createRepositoryFromURL: createRepositoryFromUrl(needs),
    fastExport: fastExport(needs),
    fetchBundle: fetchBundle(needs),
    fetchRemote: fetchRemote(needs),
    fetchSourceBranch: fetchSourceBranch(needs),
    findLicense: findLicense(needs),
    findMergeBase: findMergeBase(needs),
    fsck: fsck(needs),
    generateBundleURI: generateBundleUri(needs),
    getArchive: getArchive(needs),
    getConfig: getConfig(needs),
    getCustomHooks: getCustomHooks(needs),
    getFileAttributes: getFileAttributes(needs),
    getInfoAttributes: getInfoAttributes(needs),
    getObjectDirectorySize: getObjectDirectorySize(needs),
    getRawChanges: getRawChanges(needs),
    getSnapshot: getSnapshot(needs),
    hasLocalBranches: hasLocalBranches(needs),
    migrateReferenceBackend: migrateReferenceBackend(needs),
    objectFormat: objectFormat(needs),
    objectsSize: objectsSize(needs),
    optimizeRepository: optimizeRepository(needs),
    pruneUnreachableObjects: pruneUnreachableObjects(needs),
    removeRepository: removeRepository(needs),
    replicateRepository: replicateRepository(needs),
    repositoryExists: repositoryExists(needs),
    repositoryInfo: repositoryInfo(needs),
    repositorySize: repositorySize(needs),
    restoreCustomHooks: restoreCustomHooks(needs),
    restoreRepository: restoreRepository(needs),
    searchFilesByContent: searchFilesByContent(needs),
    searchFilesByName: searchFilesByName(needs),
    setCustomHooks: setCustomHooks(needs),
    writeRef: writeRef(needs),
  });
}
