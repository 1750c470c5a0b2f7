import * as proto from "../../proto/repository_pb.ts";
import { type ServiceRegistration, serve } from "../../rpc/handler.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { repositoryExists } from "./repository-exists.ts";

interface Needs {
  readonly locator: RepositoryLocator;
}

export function repositoryService(needs: Needs): ServiceRegistration {
  return serve(proto.RepositoryService, { repositoryExists: repositoryExists(needs) });
}
