import { OperationService } from "../../proto/operations_pb.ts";
import { type ServiceRegistration, serve } from "../../rpc/handler.ts";
import type { OperationNeeds } from "../common/operation.ts";
import { userCreateBranch } from "./user-create-branch.ts";

export function operationService(needs: OperationNeeds): ServiceRegistration {
  return serve(OperationService, {
    userCreateBranch: userCreateBranch(needs),
  });
}
