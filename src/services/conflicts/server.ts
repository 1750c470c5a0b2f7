import { ConflictsService } from "../../proto/conflicts_pb.ts";
import { type ServiceRegistration, serve } from "../../rpc/handler.ts";
import type { OperationNeeds } from "../common/operation.ts";
import { listConflictFiles } from "./list-conflict-files.ts";
import { type ResolveNeeds, resolveConflicts } from "./resolve-conflicts.ts";

export function conflictsService(needs: OperationNeeds & ResolveNeeds): ServiceRegistration {
  return serve(ConflictsService, {
    listConflictFiles: listConflictFiles(needs),
    resolveConflicts: resolveConflicts(needs),
  });
}
