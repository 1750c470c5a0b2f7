import type { TestContext } from "node:test";
import type { Message, MessageInitShape } from "@bufbuild/protobuf";
import type { UserCommitFilesRequestHeaderSchema } from "../proto/operations_pb.ts";
import { type CommitFilesMessage, commitHeader, createFile } from "./commit-actions.ts";
import { commitFiles } from "./commit-files.ts";
import {
  type GitlabAnswers,
  type OperationServer,
  startOperationServer,
  TEST_USER,
} from "./operation-server.ts";
import type { ServedRepository } from "./test-server.ts";

/** As plain fields, not as a message. */
export type CommitHeader = Exclude<
  MessageInitShape<typeof UserCommitFilesRequestHeaderSchema>,
  Message
>;
export type CommitReply = ReturnType<OperationServer["operations"]["userCommitFiles"]>;

/** A server with an empty repository to commit to. */
export interface CommitFilesServer {
  readonly server: OperationServer;
  readonly repository: ServedRepository;
  readonly header: CommitHeader;
  /** Commits one file, or what `actions` say. */
  commit(changes?: CommitHeader, actions?: readonly CommitFilesMessage[]): CommitReply;
}

/** Starts the server. */
export async function startCommitFilesServer(
  t: TestContext,
  { answers = {}, format = "sha1" }: { answers?: GitlabAnswers; format?: "sha1" | "sha256" } = {},
): Promise<CommitFilesServer> {
  const server = await startOperationServer(t, answers);
  return { server, ...repositoryForCommits(server, format) };
}

/** Makes an empty repository to commit to. */
export function repositoryForCommits(
  server: OperationServer,
  format: "sha1" | "sha256" = "sha1",
): Omit<CommitFilesServer, "server"> {
  const repository = server.repository({ format });
  const header = {
    repository: server.address(repository),
    user: TEST_USER,
    branchName: Buffer.from("main"),
    commitMessage: Buffer.from("commit message"),
  };
  const commit: CommitFilesServer["commit"] = (
    changes = {},
    actions = createFile("file.txt", "content"),
  ) => server.operations.userCommitFiles([commitHeader({ ...header, ...changes }), ...actions]);
  return { repository, header, commit };
}

/** Makes a commit that `ref` names then. */
export function base(repository: ServedRepository, ref: string, content = "base"): string {
  const oid = commitFiles(repository, { "base.txt": content });
  repository.git(["update-ref", ref, oid]);
  return oid;
}
