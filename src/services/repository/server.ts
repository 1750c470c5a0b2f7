import type { GitRunner } from "../../gitcmd/git-runner.ts";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { type ServiceRegistration, serve } from "../../rpc/handler.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { createRepository } from "./create-repository.ts";
import { getConfig } from "./get-config.ts";
import { getObjectDirectorySize } from "./get-object-directory-size.ts";
import { objectFormat } from "./object-format.ts";
import { removeRepository } from "./remove-repository.ts";
import { repositoryExists } from "./repository-exists.ts";
import { repositoryInfo } from "./repository-info.ts";
import { repositorySize } from "./repository-size.ts";

interface Needs {
  readonly locator: RepositoryLocator;
  readonly git: GitRunner;
}

export function repositoryService(needs: Needs): ServiceRegistration {
  return serve(RepositoryService, {
    createRepository: createRepository(needs),
    getConfig: getConfig(needs),
    getObjectDirectorySize: getObjectDirectorySize(needs),
    objectFormat: objectFormat(needs),
    removeRepository: removeRepository(needs),
    repositoryExists: repositoryExists(needs),
    repositoryInfo: repositoryInfo(needs),
    repositorySize: repositorySize(needs),
  });
}
