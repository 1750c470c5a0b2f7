import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { PktLineEncoder } from "../../src/git/pkt-line/pkt-line-encoder.ts";
import { CommitService } from "../../src/proto/commit_pb.ts";
import { RepositoryService } from "../../src/proto/repository_pb.ts";
import { SmartHTTPService } from "../../src/proto/smarthttp_pb.ts";
import { commitHeader, createFile } from "../../src/testing/commit-actions.ts";
import { commitFiles } from "../../src/testing/commit-files.ts";
import { createTestRepository } from "../../src/testing/git-repository.ts";
import {
  type OperationServer,
  startOperationServer,
  TEST_USER,
} from "../../src/testing/operation-server.ts";
import type { ServedRepository } from "../../src/testing/test-server.ts";

type Change = (
  t: TestContext,
  server: OperationServer,
  repository: ServedRepository,
) => Promise<void>;

/** Each brings a commit with a file that has one line: `a needle`. */
const CHANGES: Readonly<Record<string, Change>> = {
  "a push": async (t, server, repository) => {
    const source = createTestRepository(t);
    const commit = commitFiles(source, { file: "a needle\n" });
    const pack = source.git(["pack-objects", "--stdout", "--revs", "-q"], { input: `${commit}\n` });
    const request = new PktLineEncoder();
    request.line(`${"0".repeat(40)} ${commit} refs/heads/main\0report-status`).flush();
    const replies = server
      .client(SmartHTTPService)
      .postReceivePack([
        { repository: server.address(repository), glId: "user-1", glRepository: "project-1" },
        { data: Buffer.concat([request.take(), pack]) },
      ]);
    let report = "";
    for await (const { data } of replies) report += Buffer.from(data).toString("latin1");
    assert.match(report, /ok refs\/heads\/main/);
  },
  "a commit of files": async (_, server, repository) => {
    await server.operations.userCommitFiles([
      commitHeader({
        repository: server.address(repository),
        user: TEST_USER,
        branchName: Buffer.from("main"),
        commitMessage: Buffer.from("message"),
      }),
      ...createFile("file", "a needle\n"),
    ]);
  },
};

for (const [name, change] of Object.entries(CHANGES)) {
  test(`${name} is found where GitLab is told to look, in whatever way it looks`, async (t) => {
    const seen: Seen[] = [];
    const server = await startOperationServer(t, {
      allowed: async () => {
        seen.push(await look(server, repository));
        return { body: '{"status":true}' };
      },
    });
    const repository = server.repository();
    await change(t, server, repository);
    const commit = repository.gitLine(["rev-parse", "main"]);
    assert.deepEqual(seen, [
      {
        own: [commit],
        all: commit,
        found: `${commit}:file\x001\0a needle\n`,
        again: [commit],
        isOnDisk: true,
      },
    ]);
    repository.git(["fsck", "--strict"]);
    assert.deepEqual(server.leftovers(), []);
  });
}

/** What GitLab finds in quarantine. */
interface Seen {
  /** Commits that are there alone, before and after git has been there. */
  readonly own: readonly string[];
  readonly again: readonly string[];
  /** The new commit, as the repository has it. */
  readonly all: string | undefined;
  /** What git finds in its files. */
  readonly found: string;
  readonly isOnDisk: boolean;
}

async function look(server: OperationServer, repository: ServedRepository): Promise<Seen> {
  const { env, changes } = Object(server.gitlab.received.at(-1)?.body);
  const {
    GIT_OBJECT_DIRECTORY_RELATIVE: gitObjectDirectory,
    GIT_ALTERNATE_OBJECT_DIRECTORIES_RELATIVE: gitAlternateObjectDirectories,
  } = JSON.parse(env);
  const alone = { ...repository.address, gitObjectDirectory };
  const whole = { ...alone, gitAlternateObjectDirectories };
  const revision = Buffer.from(changes.split(" ")[1]);
  const commits = server.client(CommitService);
  const repositories = server.client(RepositoryService);
  const own = await idsOf(commits.listAllCommits({ repository: alone }));
  const { commit } = await commits.findCommit({ repository: whole, revision });
  await repositories.getObjectDirectorySize({ repository: whole });
  const search = { repository: whole, query: "needle", ref: revision };
  let found = "";
  for await (const { matchData } of repositories.searchFilesByContent(search)) {
    found += Buffer.from(matchData).toString("latin1");
  }
  return {
    own,
    all: commit?.id,
    found,
    again: await idsOf(commits.listAllCommits({ repository: alone })),
    isOnDisk: existsSync(join(repository.path, gitObjectDirectory)),
  };
}

async function idsOf(
  replies: AsyncIterable<{ readonly commits: ReadonlyArray<{ readonly id: string }> }>,
): Promise<string[]> {
  const ids: string[] = [];
  for await (const { commits } of replies) ids.push(...commits.map(({ id }) => id));
  return ids;
}
