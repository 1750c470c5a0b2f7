import type { GitRunner } from "../../gitcmd/git-runner.ts";
import { RefService } from "../../proto/ref_pb.ts";
import { type ServiceRegistration, serve } from "../../rpc/handler.ts";
import type { Mailmaps } from "../common/mailmaps.ts";
import type { ReadNeeds } from "../common/open-repository.ts";
import { findBranch } from "./find-branch.ts";
import { findDefaultBranchName } from "./find-default-branch-name.ts";
import { findLocalBranches } from "./find-local-branches.ts";
import { listRefs } from "./list-refs.ts";
import { refExists } from "./ref-exists.ts";

interface Needs extends ReadNeeds {
  readonly git: GitRunner;
  readonly mailmaps: Mailmaps;
}

export function refService(needs: Needs): ServiceRegistration {
  return serve(RefService, {
    findBranch: findBranch(needs),
    findDefaultBranchName: findDefaultBranchName(needs),
    findLocalBranches: findLocalBranches(needs),
    listRefs: listRefs(needs),
    refExists: refExists(needs),
  });
}
