import type { GitRunner } from "../../gitcmd/git-runner.ts";
import { CommitService } from "../../proto/commit_pb.ts";
import { type ServiceRegistration, serve } from "../../rpc/handler.ts";
import type { Mailmaps } from "../common/mailmaps.ts";
import type { ReadNeeds } from "../common/open-repository.ts";
import { commitStats } from "./commit-stats.ts";
import { filterShasWithSignatures } from "./filter-shas-with-signatures.ts";
import { findCommit } from "./find-commit.ts";
import { getCommitMessages } from "./get-commit-messages.ts";
import { getCommitSignatures } from "./get-commit-signatures.ts";
import { getTreeEntries } from "./get-tree-entries.ts";
import { lastCommitForPath } from "./last-commit-for-path.ts";
import { listCommits } from "./list-commits.ts";
import { listFiles } from "./list-files.ts";
import { listLastCommitsForTree } from "./list-last-commits-for-tree.ts";
import { rawBlame } from "./raw-blame.ts";
import type { SigningKeyPaths } from "./signing-keys.ts";
import { treeEntry } from "./tree-entry.ts";

interface Needs extends ReadNeeds, SigningKeyPaths {
  readonly git: GitRunner;
  readonly mailmaps: Mailmaps;
}

export function commitService(needs: Needs): ServiceRegistration {
  return serve(CommitService, {
    commitStats: commitStats(needs),
    filterShasWithSignatures: filterShasWithSignatures(needs),
    findCommit: findCommit(needs),
    getCommitMessages: getCommitMessages(needs),
    getCommitSignatures: getCommitSignatures(needs),
    getTreeEntries: getTreeEntries(needs),
    lastCommitForPath: lastCommitForPath(needs),
    listCommits: listCommits(needs),
    listFiles: listFiles(needs),
    listLastCommitsForTree: listLastCommitsForTree(needs),
    rawBlame: rawBlame(needs),
    treeEntry: treeEntry(needs),
  });
}
