import { BlobService } from "../../src/proto/blob_pb.ts";
import { CommitService } from "../../src/proto/commit_pb.ts";
import { DiffService } from "../../src/proto/diff_pb.ts";
import { RefService } from "../../src/proto/ref_pb.ts";
import { RepositoryService } from "../../src/proto/repository_pb.ts";
import { SmartHTTPService } from "../../src/proto/smarthttp_pb.ts";
import type { TreeItem } from "../repository/repository-facts.ts";
import { type BenchCase, readCase, type Subject } from "./bench-case.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text);
const short = (branch: string): Uint8Array => bytes(branch.replace("refs/heads/", ""));
const someCommit = ({ facts, random }: Subject): string => random.pick(facts.commits);
const someBlob = ({ facts, random }: Subject): TreeItem => random.pick(facts.blobs);

/** The calls that a GitLab makes most, apart from fetches. */
export const READ_CASES: readonly BenchCase[] = [
  readCase(
    "RepositoryExists",
    RepositoryService.method.repositoryExists,
    ({ repository }) => ({ repository }),
    { forksMax: 0.15 },
  ),
  readCase(
    "RefExists",
    RefService.method.refExists,
    ({ repository, facts, random }) => ({
      repository,
      ref: bytes(random.pick([...facts.branches, ...facts.tags])),
    }),
    { forksMax: 0.3 },
  ),
  readCase(
    "FindBranch",
    RefService.method.findBranch,
    ({ repository, facts, random }) => ({ repository, name: short(random.pick(facts.branches)) }),
    { forksMax: 0.3 },
  ),
  readCase(
    "FindDefaultBranchName",
    RefService.method.findDefaultBranchName,
    ({ repository }) => ({ repository }),
    { forksMax: 0.3 },
  ),
  readCase("ListRefs", RefService.method.listRefs, ({ repository }) => ({
    repository,
    patterns: [bytes("refs/heads/")],
  })),
  readCase(
    "FindLocalBranches",
    RefService.method.findLocalBranches,
    ({ repository }) => ({ repository }),
    { forksMax: 0.5 },
  ),
  readCase("FindAllTags", RefService.method.findAllTags, ({ repository }) => ({ repository }), {
    forksMax: 8,
  }),
  readCase(
    "FindCommit",
    CommitService.method.findCommit,
    (subject) => ({ repository: subject.repository, revision: bytes(someCommit(subject)) }),
    { forksMax: 0.3 },
  ),
  readCase(
    "ListCommitsByOid (20)",
    CommitService.method.listCommitsByOid,
    (subject) => ({
      repository: subject.repository,
      oid: Array.from({ length: 20 }, () => someCommit(subject)),
    }),
    { forksMax: 0.6 },
  ),
  readCase(
    "ListCommits (20)",
    CommitService.method.listCommits,
    (subject) => ({
      repository: subject.repository,
      revisions: [someCommit(subject)],
      paginationParams: { limit: 20 },
    }),
    { forksMax: 0.6 },
  ),
  readCase(
    "FindCommits (20)",
    CommitService.method.findCommits,
    (subject) => ({
      repository: subject.repository,
      revision: bytes(someCommit(subject)),
      limit: 20,
    }),
    { forksMax: 0.6 },
  ),
  readCase(
    "GetBlob",
    BlobService.method.getBlob,
    (subject) => ({ repository: subject.repository, oid: someBlob(subject).oid, limit: -1n }),
    { forksMax: 0.3 },
  ),
  readCase(
    "GetBlobs (10)",
    BlobService.method.getBlobs,
    (subject) => ({
      repository: subject.repository,
      limit: -1n,
      revisionPaths: Array.from({ length: 10 }, () => {
        const { commit, path } = someBlob(subject);
        return { revision: commit, path: bytes(path) };
      }),
    }),
    { forksMax: 0.6 },
  ),
  readCase(
    "TreeEntry",
    CommitService.method.treeEntry,
    (subject) => {
      const { commit, path } = someBlob(subject);
      return { repository: subject.repository, revision: bytes(commit), path: bytes(path) };
    },
    { forksMax: 0.3 },
  ),
  readCase(
    "GetTreeEntries (one folder)",
    CommitService.method.getTreeEntries,
    ({ repository, facts, random }) => {
      const { commit, path } = random.pick(facts.folders);
      return { repository, revision: bytes(commit), path: bytes(path) };
    },
    { forksMax: 0.6 },
  ),
  readCase(
    "ListFiles",
    CommitService.method.listFiles,
    (subject) => ({ repository: subject.repository, revision: bytes(someCommit(subject)) }),
    { forksMax: 4 },
  ),
  readCase(
    "LastCommitForPath",
    CommitService.method.lastCommitForPath,
    ({ repository, facts, random }) => ({
      repository,
      revision: bytes(facts.tip),
      path: bytes(random.pick(facts.tipPaths)),
    }),
  ),
  readCase(
    "ListLastCommitsForTree (25)",
    CommitService.method.listLastCommitsForTree,
    ({ repository, facts }) => ({ repository, revision: facts.tip, path: bytes(""), limit: 25 }),
  ),
  readCase(
    "CommitDiff (5 commits apart)",
    DiffService.method.commitDiff,
    ({ repository, facts, random }) => {
      const { left, right } = random.pick(facts.pairs);
      return { repository, leftCommitId: left, rightCommitId: right };
    },
    { forksMax: 4 },
  ),
  readCase(
    "CommitIsAncestor",
    CommitService.method.commitIsAncestor,
    (subject) => ({
      repository: subject.repository,
      ancestorId: someCommit(subject),
      childId: someCommit(subject),
    }),
    { mayBeEmpty: true },
  ),
  readCase(
    "FindMergeBase",
    RepositoryService.method.findMergeBase,
    (subject) => ({
      repository: subject.repository,
      revisions: [bytes(someCommit(subject)), bytes(someCommit(subject))],
    }),
    { mayBeEmpty: true },
  ),
  readCase("CountCommits", CommitService.method.countCommits, ({ repository, facts }) => ({
    repository,
    revisions: [bytes(facts.tip)],
  })),
  readCase(
    "InfoRefsUploadPack",
    SmartHTTPService.method.infoRefsUploadPack,
    ({ repository }) => ({ repository, gitProtocol: "version=2" }),
    { forksMax: 0.6 },
  ),
  readCase(
    "InfoRefsUploadPack of version 0",
    SmartHTTPService.method.infoRefsUploadPack,
    ({ repository }) => ({ repository }),
    { forksMax: 0.6 },
  ),
];
