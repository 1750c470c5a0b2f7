import {
  UserCommitFilesActionHeader_ActionType as ActionType,
  OperationService,
} from "../../src/proto/operations_pb.ts";
import { RefService } from "../../src/proto/ref_pb.ts";
import { SSHService } from "../../src/proto/ssh_pb.ts";
import { type BenchCase, type Subject, writeCase } from "./bench-case.ts";
import { pushCommand } from "./push-stream.ts";
import { packOfOneCommit } from "./tiny-pack.ts";

const USER = {
  glId: "user-1",
  glUsername: "bench",
  name: Buffer.from("Bench"),
  email: Buffer.from("bench@example.com"),
  timezone: "UTC",
};

/** The calls that change a repository. */
export const WRITE_CASES: readonly BenchCase[] = [
  writeCase(
    "UpdateReferences (one new branch)",
    RefService.method.updateReferences,
    (subject, call) => [
      {
        repository: subject.repository,
        updates: [
          {
            reference: Buffer.from(`refs/heads/${branchName(subject, call)}`),
            newObjectId: Buffer.from(subject.facts.tip),
          },
        ],
      },
    ],
    { succeeded: isEmpty },
  ),
  writeCase(
    "DeleteRefs (100 names)",
    RefService.method.deleteRefs,
    (subject, call) => [
      {
        repository: subject.repository,
        refs: Array.from({ length: 100 }, (_, index) =>
          Buffer.from(`refs/bench/${branchName(subject, call)}/${index}`),
        ),
      },
    ],
    { succeeded: isEmpty },
  ),
  writeCase(
    "UserCreateBranch",
    OperationService.method.userCreateBranch,
    (subject, call) => [
      {
        repository: subject.repository,
        branchName: Buffer.from(branchName(subject, call)),
        startPoint: Buffer.from(subject.facts.tip),
        user: USER,
      },
    ],
    { forksMax: 3 },
  ),
  writeCase(
    "UserCommitFiles (one file)",
    OperationService.method.userCommitFiles,
    (subject, call) => [
      {
        userCommitFilesRequestPayload: {
          case: "header" as const,
          value: {
            repository: subject.repository,
            user: USER,
            branchName: Buffer.from(branchName(subject, call)),
            startSha: subject.facts.tip,
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
  // A branch comes up again after all others; then there is a commit to make, but nothing to merge.
  writeCase(
    "UserMergeBranch",
    OperationService.method.userMergeBranch,
    ({ repository, facts }, call) => [
      {
        repository,
        user: USER,
        branch: Buffer.from(nthBranch(facts.branches, call).replace("refs/heads/", "")),
        commitId: facts.tip,
        message: Buffer.from(`Merge ${call}\n`),
      },
      { apply: true },
    ],
    { forksMax: 6 },
  ),
  writeCase(
    "push of one commit (SSHReceivePack)",
    SSHService.method.sSHReceivePack,
    (subject, call) => {
      const { tip, tipTree } = subject.facts;
      const { commit, pack } = packOfOneCommit({ parent: tip, tree: tipTree, serial: call });
      const command = pushCommand([{ ref: `refs/heads/${branchName(subject, call)}`, commit }]);
      return [
        { repository: subject.repository, glId: USER.glId, glUsername: USER.glUsername },
        { stdin: Buffer.concat([command, pack]) },
      ];
    },
    { succeeded: (replies) => replies.includes("unpack ok") && !replies.includes("ng refs/") },
  ),
];

function isEmpty(replies: Buffer): boolean {
  return replies.length === 0;
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

/** One of the generated branches that have no commits of their own, so that nothing conflicts. */
function nthBranch(branches: readonly string[], call: number): string {
  const quiet = branches.filter((name) => /[02468]$/.test(name));
  return quiet[call % quiet.length] ?? "";
}

function branchName({ runId }: Subject, call: number): string {
  return `bench-${runId}-${call}`;
}
