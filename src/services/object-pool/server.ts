import type { Logger } from "../../base/log/logger.ts";
import { ObjectPoolService } from "../../proto/objectpool_pb.ts";
import { type ServiceRegistration, serve } from "../../rpc/handler.ts";
import type { CreateNeeds } from "../common/create-repository.ts";
import { createObjectPool } from "./create-object-pool.ts";
import { deleteObjectPool } from "./delete-object-pool.ts";
import { disconnectGitAlternates } from "./disconnect-git-alternates.ts";
import { getObjectPool } from "./get-object-pool.ts";
import { linkRepositoryToObjectPool } from "./link-repository-to-object-pool.ts";

type Needs = CreateNeeds & { readonly logger: Logger };

export function objectPoolService(needs: Needs): ServiceRegistration {
  return serve(ObjectPoolService, {
    createObjectPool: createObjectPool(needs),
    deleteObjectPool: deleteObjectPool(needs),
    disconnectGitAlternates: disconnectGitAlternates(needs),
    getObjectPool: getObjectPool(needs),
    linkRepositoryToObjectPool: linkRepositoryToObjectPool(needs),
  });
}
