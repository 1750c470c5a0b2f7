import { ObjectPoolService } from "../../proto/objectpool_pb.ts";
import { type ServiceRegistration, serve } from "../../rpc/handler.ts";
import type { CreateNeeds } from "../common/create-repository.ts";
import { createObjectPool } from "./create-object-pool.ts";
import { deleteObjectPool } from "./delete-object-pool.ts";
import { disconnectGitAlternates } from "./disconnect-git-alternates.ts";
import { fetchIntoObjectPool } from "./fetch-into-object-pool.ts";
import { getObjectPool } from "./get-object-pool.ts";
import { linkRepositoryToObjectPool } from "./link-repository-to-object-pool.ts";

type Needs = CreateNeeds & Parameters<typeof fetchIntoObjectPool>[0];

export function objectPoolService(needs: Needs): ServiceRegistration {
  return serve(ObjectPoolService, {
    createObjectPool: createObjectPool(needs),
    deleteObjectPool: deleteObjectPool(needs),
    disconnectGitAlternates: disconnectGitAlternates(needs),
    fetchIntoObjectPool: fetchIntoObjectPool(needs),
    getObjectPool: getObjectPool(needs),
    linkRepositoryToObjectPool: linkRepositoryToObjectPool(needs),
  });
}
