import {
  UserCommitFilesActionHeader_ActionType as ActionType,
  OperationService,
} from "../../src/proto/operations_pb.ts";
import { RefService } from "../../src/proto/ref_pb.ts";
import { RepositoryService } from "../../src/proto/repository_pb.ts";
import {
  type BenchCase,
  type BenchRequest,
  encode,
  type Subject,
  writeCase,
} from "./bench-case.ts";
import { PUSH_CASES } from "./push-cases.ts";
import { WRITING_USER } from "./writing-user.ts";

/** Branches that commits are merged into, one after the other. */
const MERGED_BRANCHES = 2000;

/** The calls that change a repository. */
export const WRITE_CASES: readonly BenchCase[] = [
  ...PUSH_CASES,
  writeCase(
    "UpdateReferences (one new branch)",
    RefService.method.updateReferences,
    ({ repository, runId, facts }) =>
      (call) => [
        { repository, updates: [update(`refs/heads/update-${runId}-${call}`, facts.tip)] },
      ],
    { succeeded: isEmpty },
  ),
  writeCase(
    "DeleteRefs (100 missing)",
    RefService.method.deleteRefs,
    ({ repository, runId }) =>
      (call) => [{ repository, refs: hundredNames(`refs/bench/${runId}-${call}`) }],
    { forksMax: 4, succeeded: isEmpty },
  ),
  writeCase(
    "UserCreateBranch",
    OperationService.method.userCreateBranch,
    ({ repository, runId, facts }) =>
      (call) => [
        {
          repository,
          branchName: Buffer.from(`create-${runId}-${call}`),
          startPoint: Buffer.from(facts.tip),
          user: WRITING_USER,
        },
      ],
    { forksMax: 3 },
  ),
  writeCase(
    "UserCommitFiles (one file)",
    OperationService.method.userCommitFiles,
    ({ repository, runId, facts }) =>
      (call) => [
        {
          userCommitFilesRequestPayload: {
            case: "header" as const,
            value: {
              repository,
              user: WRITING_USER,
              branchName: Buffer.from(`commit-${runId}-${call}`),
              startSha: facts.tip,
              commitMessage: Buffer.from("Add a file\n"),
            },
          },
        },
        action({
          case: "header",
          value: { action: ActionType.CREATE, filePath: Buffer.from(`new-file-${call}`) },
        }),
        action({ case: "content", value: Buffer.from(`content ${call}\n`) }),
      ],
    { forksMax: 4 },
  ),
  // A branch that comes up again has nothing to merge.
  writeCase(
    "UserMergeBranch",
    OperationService.method.userMergeBranch,
    ({ repository, runId, facts }) =>
      (call) => [
        {
          repository,
          user: WRITING_USER,
          branch: Buffer.from(mergedBranch(runId, call % MERGED_BRANCHES)),
          commitId: mergeOf(facts, call % MERGED_BRANCHES).right,
          message: Buffer.from(`Merge ${call}\n`),
        },
        { apply: true },
      ],
    { forksMax: 6, preparation: (subject) => [makeMergedBranches(subject)] },
  ),
  writeCase(
    "CreateRepository",
    RepositoryService.method.createRepository,
    ({ repository, runId }) =>
      (call) => {
        const relativePath = `bench/${runId}-created/${call}.git`;
        return [{ repository: { ...repository, relativePath } }];
      },
    { forksMax: 2, succeeded: isEmpty },
  ),
  writeCase(
    "OptimizeRepository (tidy)",
    RepositoryService.method.optimizeRepository,
    ({ repository }) =>
      () => [{ repository }],
    {
      forksMax: 0.5,
      isAlone: true,
      isExclusive: true,
      preparation: (subject) => [optimize(subject)],
      succeeded: isEmpty,
    },
  ),
];

function isEmpty(replies: Buffer): boolean {
  return replies.length === 0;
}

function update(name: string, oid: string): { reference: Uint8Array; newObjectId: Uint8Array } {
  return { reference: Buffer.from(name), newObjectId: Buffer.from(oid) };
}

function hundredNames(folder: string): Buffer[] {
  return Array.from({ length: 100 }, (_, index) => Buffer.from(`${folder}/${index}`));
}

type ActionPayload =
  | { case: "header"; value: { action: ActionType; filePath: Uint8Array } }
  | { case: "content"; value: Uint8Array };

function action(userCommitFilesActionPayload: ActionPayload): {
  userCommitFilesRequestPayload: {
    case: "action";
    value: { userCommitFilesActionPayload: ActionPayload };
  };
} {
  return {
    userCommitFilesRequestPayload: { case: "action", value: { userCommitFilesActionPayload } },
  };
}

function mergedBranch(runId: string, index: number): string {
  return `merge-${runId}-${index}`;
}

function mergeOf({ merges }: Subject["facts"], index: number): { left: string; right: string } {
  const merge = merges[index % merges.length];
  if (merge === undefined) throw new Error("the repository has nothing to merge");
  return merge;
}

function makeMergedBranches({ repository, runId, facts }: Subject): BenchRequest {
  const method = RefService.method.updateReferences;
  const updates = Array.from({ length: MERGED_BRANCHES }, (_, index) =>
    update(`refs/heads/${mergedBranch(runId, index)}`, mergeOf(facts, index).left),
  );
  return { method, messages: [encode(method, { repository, updates })] };
}

function optimize({ repository }: Subject): BenchRequest {
  const method = RepositoryService.method.optimizeRepository;
  return { method, messages: [encode(method, { repository })] };
}
