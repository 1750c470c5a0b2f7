import { OperationService } from "../../proto/operations_pb.ts";
import { type ServiceRegistration, serve } from "../../rpc/handler.ts";
import type { OperationNeeds } from "../common/operation.ts";
import type { VotingHooksNeeds } from "../common/voting-hooks.ts";
import { userApplyPatch } from "./user-apply-patch.ts";
import { userCherryPick } from "./user-cherry-pick.ts";
import { type CommitFilesNeeds, userCommitFiles } from "./user-commit-files.ts";
import { userCreateBranch } from "./user-create-branch.ts";
import { userCreateTag } from "./user-create-tag.ts";
import { userDeleteBranch } from "./user-delete-branch.ts";
import { userDeleteTag } from "./user-delete-tag.ts";
import { userFFBranch } from "./user-ff-branch.ts";
import { userMergeBranch } from "./user-merge-branch.ts";
import { userMergeToRef } from "./user-merge-to-ref.ts";
import { userRebaseConfirmable } from "./user-rebase-confirmable.ts";
import { userRebaseToRef } from "./user-rebase-to-ref.ts";
import { userRevert } from "./user-revert.ts";
import { userSquash } from "./user-squash.ts";
import { userUpdateBranch } from "./user-update-branch.ts";
import { userUpdateSubmodule } from "./user-update-submodule.ts";

type Needs = OperationNeeds & CommitFilesNeeds & VotingHooksNeeds;

export function operationService(needs: Needs): ServiceRegistration {
  return serve(OperationService, {
    userApplyPatch: userApplyPatch(needs),
    userCherryPick: userCherryPick(needs),
    userCommitFiles: userCommitFiles(needs),
    userCreateBranch: userCreateBranch(needs),
    userCreateTag: userCreateTag(needs),
    userDeleteBranch: userDeleteBranch(needs),
    userDeleteTag: userDeleteTag(needs),
    userFFBranch: userFFBranch(needs),
    userMergeBranch: userMergeBranch(needs),
    userMergeToRef: userMergeToRef(needs),
    userRebaseConfirmable: userRebaseConfirmable(needs),
    userRebaseToRef: userRebaseToRef(needs),
    userRevert: userRevert(needs),
    userSquash: userSquash(needs),
    userUpdateBranch: userUpdateBranch(needs),
    userUpdateSubmodule: userUpdateSubmodule(needs),
  });
}
