import type { MetricRegistry } from "../../base/metric/metric-registry.ts";
import type { CommitSigner } from "../../git/signing/commit-signer.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import { CommitService } from "../../proto/commit_pb.ts";
import { type ServiceRegistration, serve } from "../../rpc/handler.ts";
import type { Mailmaps } from "../common/mailmaps.ts";
import type { ReadNeeds } from "../common/open-repository.ts";
import { checkObjectsExist } from "./check-objects-exist.ts";
import { commitIsAncestor } from "./commit-is-ancestor.ts";
import { commitLanguages } from "./commit-languages.ts";
import { commitStats } from "./commit-stats.ts";
import { commitsByMessage } from "./commits-by-message.ts";
import { countCommits } from "./count-commits.ts";
import { countDivergingCommits } from "./count-diverging-commits.ts";
import { filterShasWithSignatures } from "./filter-shas-with-signatures.ts";
import { findAllCommits } from "./find-all-commits.ts";
import { findCommit } from "./find-commit.ts";
import { findCommits } from "./find-commits.ts";
import { getCommitMessages } from "./get-commit-messages.ts";
import { getCommitSignatures } from "./get-commit-signatures.ts";
import { getTreeEntries } from "./get-tree-entries.ts";
import { lastCommitForPath } from "./last-commit-for-path.ts";
import { listAllCommits } from "./list-all-commits.ts";
import { listCommits } from "./list-commits.ts";
import { listCommitsByOid } from "./list-commits-by-oid.ts";
import { listCommitsByRefName } from "./list-commits-by-ref-name.ts";
import { listFiles } from "./list-files.ts";
import { listLastCommitsForTree } from "./list-last-commits-for-tree.ts";
import { rawBlame } from "./raw-blame.ts";
import { treeEntry } from "./tree-entry.ts";

interface Needs extends ReadNeeds {
  readonly signer: CommitSigner | undefined;
  readonly git: GitRunner;
  readonly mailmaps: Mailmaps;
  readonly metrics: MetricRegistry;
}

export function commitService(needs: Needs): ServiceRegistration {
  return serve(CommitService, {
    commitLanguages: commitLanguages(needs),
    commitStats: commitStats(needs),
    filterShasWithSignatures: filterShasWithSignatures(needs),
    findCommit: findCommit(needs),
    findCommits: findCommits(needs),
    getCommitMessages: getCommitMessages(needs),
    getCommitSignatures: getCommitSignatures(needs),
    getTreeEntries: getTreeEntries(needs),
    lastCommitForPath: lastCommitForPath(needs),
    listCommits: listCommits(needs),
    listFiles: listFiles(needs),
    listLastCommitsForTree: listLastCommitsForTree(needs),
    rawBlame: rawBlame(needs),
    checkObjectsExist: checkObjectsExist(needs),
    commitIsAncestor: commitIsAncestor(needs),
    commitsByMessage: commitsByMessage(needs),
    countCommits: countCommits(needs),
    countDivergingCommits: countDivergingCommits(needs),
    findAllCommits: findAllCommits(needs),
    listAllCommits: listAllCommits(needs),
    listCommitsByOid: listCommitsByOid(needs),
    listCommitsByRefName: listCommitsByRefName(needs),
    treeEntry: treeEntry(needs),
  });
}
