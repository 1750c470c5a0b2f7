import type { GitRunner } from "../../gitcmd/git-runner.ts";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { type ServiceRegistration, serve } from "../../rpc/handler.ts";
import type { ReadNeeds } from "../common/open-repository.ts";
import { calculateChecksum } from "./calculate-checksum.ts";
import { createRepository } from "./create-repository.ts";
import { findMergeBase } from "./find-merge-base.ts";
import { getConfig } from "./get-config.ts";
import { getObjectDirectorySize } from "./get-object-directory-size.ts";
import { hasLocalBranches } from "./has-local-branches.ts";
import { objectFormat } from "./object-format.ts";
import { removeRepository } from "./remove-repository.ts";
import { repositoryExists } from "./repository-exists.ts";
import { repositoryInfo } from "./repository-info.ts";
import { repositorySize } from "./repository-size.ts";
import { writeRef } from "./write-ref.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };

export function repositoryService(needs: Needs): ServiceRegistration {
  return serve(RepositoryService, {
    calculateChecksum: calculateChecksum(needs),
    createRepository: createRepository(needs),
    findMergeBase: findMergeBase(needs),
    getConfig: getConfig(needs),
    getObjectDirectorySize: getObjectDirectorySize(needs),
    hasLocalBranches: hasLocalBranches(needs),
    objectFormat: objectFormat(needs),
    removeRepository: removeRepository(needs),
    repositoryExists: repositoryExists(needs),
    repositoryInfo: repositoryInfo(needs),
    repositorySize: repositorySize(needs),
    writeRef: writeRef(needs),
  });
}
