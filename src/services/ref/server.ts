import type { GitRunner } from "../../gitcmd/git-runner.ts";
import { RefService } from "../../proto/ref_pb.ts";
import { type ServiceRegistration, serve } from "../../rpc/handler.ts";
import type { Mailmaps } from "../common/mailmaps.ts";
import type { ReadNeeds } from "../common/open-repository.ts";
import type { TransactionVotes } from "../common/transaction-votes.ts";
import { deleteRefs } from "./delete-refs.ts";
import { findAllBranches } from "./find-all-branches.ts";
import { findAllRemoteBranches } from "./find-all-remote-branches.ts";
import { findAllTags } from "./find-all-tags.ts";
import { findBranch } from "./find-branch.ts";
import { findDefaultBranchName } from "./find-default-branch-name.ts";
import { findLocalBranches } from "./find-local-branches.ts";
import { findRefsByOid } from "./find-refs-by-oid.ts";
import { findTag } from "./find-tag.ts";
import { getTagMessages } from "./get-tag-messages.ts";
import { getTagSignatures } from "./get-tag-signatures.ts";
import { listBranchNamesContainingCommit } from "./list-branch-names-containing-commit.ts";
import { listRefs } from "./list-refs.ts";
import { listTagNamesContainingCommit } from "./list-tag-names-containing-commit.ts";
import { refExists } from "./ref-exists.ts";
import { updateReferences } from "./update-references.ts";

interface Needs extends ReadNeeds {
  readonly git: GitRunner;
  readonly mailmaps: Mailmaps;
  readonly votes: TransactionVotes;
}

export function refService(needs: Needs): ServiceRegistration {
  return serve(RefService, {
    deleteRefs: deleteRefs(needs),
    findBranch: findBranch(needs),
    findDefaultBranchName: findDefaultBranchName(needs),
    findLocalBranches: findLocalBranches(needs),
    listRefs: listRefs(needs),
    findAllBranches: findAllBranches(needs),
    findAllRemoteBranches: findAllRemoteBranches(needs),
    findAllTags: findAllTags(needs),
    findRefsByOID: findRefsByOid(needs),
    findTag: findTag(needs),
    getTagMessages: getTagMessages(needs),
    getTagSignatures: getTagSignatures(needs),
    listBranchNamesContainingCommit: listBranchNamesContainingCommit(needs),
    listTagNamesContainingCommit: listTagNamesContainingCommit(needs),
    refExists: refExists(needs),
    updateReferences: updateReferences(needs),
  });
}
