import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type FindLocalBranchesRequestSchema,
  type FindLocalBranchesResponse,
  RefService,
  FindLocalBranchesRequest_SortBy as SortBy,
} from "../../proto/ref_pb.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { type ServedRepository, startTestServer } from "../../testing/test-server.ts";

type Request = Exclude<
  MessageInitShape<typeof FindLocalBranchesRequestSchema>,
  { $typeName: string }
>;

const KINDS = [
  { format: "sha1", refFormat: "files" },
  { format: "sha256", refFormat: "reftable" },
] as const;

/** What clients that switch the listing by `for-each-ref` off send. */
const WITHOUT_LISTING = { "gitaly-feature-ref-iterator": "false" };

/** Branches whose commits were made in the order b, a, c; and a tag. Returns the commits by name. */
function addBranches({ git, gitLine }: ServedRepository): Record<string, string> {
  const tree = gitLine(["mktree"]);
  const commits: Record<string, string> = {};
  for (const [index, name] of ["feature-2", "feature-1", "main"].entries()) {
    const env = { GIT_COMMITTER_DATE: `${1_700_000_000 + index} +0200` };
    const commit = gitLine(["commit-tree", tree, "-m", `on ${name}`, "-m", "body"], { env });
    git(["update-ref", `refs/heads/${name}`, commit]);
    commits[`refs/heads/${name}`] = commit;
  }
  git(["tag", "v1", "main"]);
  return commits;
}

function names(replies: readonly FindLocalBranchesResponse[]): string[] {
  const branches = replies.flatMap(({ localBranches }) => localBranches);
  return branches.map(({ name }) => Buffer.from(name).toString());
}

test("findLocalBranches tells about branches and their commits", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  for (const kind of KINDS) {
    const repository = server.repository(kind);
    const commits = addBranches(repository);
    const head = repository.gitLine(["rev-parse", "main^{tree}"]);
    for (const metadata of [{}, WITHOUT_LISTING]) {
      const request = { repository: repository.address };
      const replies = await collect(client.findLocalBranches(request, { metadata }));
      assert.equal(replies.length, 1);
      const [, , main] = replies[0]?.localBranches ?? [];
      assert.deepEqual(names(replies), Object.keys(commits).sort());
      assert.equal(Buffer.from(main?.name ?? []).toString(), "refs/heads/main");
      const commit = main?.targetCommit;
      assert.ok(commit);
      assert.equal(commit.id, commits["refs/heads/main"]);
      assert.equal(commit.treeId, head);
      assert.equal(Buffer.from(commit.subject).toString(), "on main");
      assert.equal(Buffer.from(commit.body).toString(), "on main\n\nbody\n");
      assert.equal(commit.bodySize, 14n);
      assert.equal(commit.committer?.date?.seconds, 1_700_000_002n);
      assert.equal(Buffer.from(commit.committer?.timezone ?? []).toString(), "+0200");
      assert.equal(Buffer.from(commit.author?.email ?? []).toString(), "author@example.com");
    }
  }
});

test("findLocalBranches sorts, leaves out and cuts pages", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const repository = server.repository();
  addBranches(repository);
  const [one, two, main] = ["feature-1", "feature-2", "main"].map((name) => `refs/heads/${name}`);
  const exclude = (...patterns: string[]): Request => {
    return { excludePatterns: patterns.map((pattern) => Buffer.from(pattern)) };
  };
  const page = (limit: number, pageToken = ""): Request => {
    return { paginationParams: { limit, pageToken } };
  };
  const cases: readonly [Request, expected: (string | undefined)[]][] = [
    [{}, [one, two, main]],
    [{ sortBy: SortBy.UPDATED_ASC }, [two, one, main]],
    [{ sortBy: SortBy.UPDATED_DESC }, [main, one, two]],
    [exclude("refs/heads/feature-*"), [main]],
    [exclude("refs/heads/main", "refs/heads/none"), [one, two]],
    [page(0), []],
    [page(-1), [one, two, main]],
    [page(2), [one, two]],
    [page(10), [one, two, main]],
    [page(1, one), [two]],
    [page(5, two), [main]],
    [page(5, main), []],
    [{ ...page(1, main), sortBy: SortBy.UPDATED_DESC }, [one]],
    [{ ...page(1, one), ...exclude("refs/heads/feature-2") }, [main]],
  ];
  for (const [request, expected] of cases) {
    for (const metadata of [{}, WITHOUT_LISTING]) {
      const whole = { ...request, repository: repository.address };
      const replies = await collect(client.findLocalBranches(whole, { metadata }));
      assert.deepEqual(names(replies), expected, JSON.stringify(request));
    }
  }
});

test("findLocalBranches fills replies by their size", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const { address, git, gitLine } = server.repository();
  const message = `${"x".repeat(20_000)}\n`;
  const commit = gitLine(["commit-tree", gitLine(["mktree"])], { input: message });
  const lines = Array.from({ length: 120 }, (_, i) => `create refs/heads/${1000 + i} ${commit}\n`);
  git(["update-ref", "--stdin"], { input: lines.join("") });
  const request = { repository: address };
  const listed = await collect(client.findLocalBranches(request));
  // Each branch has its message of 10 KiB and its subject of 20,000 bytes.
  assert.deepEqual(
    listed.map(({ localBranches }) => localBranches.length),
    [34, 34, 34, 18],
  );
  const read = await collect(client.findLocalBranches(request, { metadata: WITHOUT_LISTING }));
  assert.deepEqual(
    read.map(({ localBranches }) => localBranches.length),
    [20, 20, 20, 20, 20, 20],
  );
  assert.deepEqual(names(listed), names(read));
});

test("findLocalBranches has nothing to say about a repository without branches", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const { address, git, gitLine } = server.repository();
  assert.deepEqual(await collect(client.findLocalBranches({ repository: address })), []);
  git(["tag", "v1", gitLine(["commit-tree", gitLine(["mktree"]), "-m", "message"])]);
  assert.deepEqual(await collect(client.findLocalBranches({ repository: address })), []);
});

test("findLocalBranches refuses invalid requests", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const repository = server.repository();
  addBranches(repository);
  const token = "invalid page token: sending lines: could not find page token";
  const prefix = 'exclude pattern must start with "refs/heads/":';
  const exclude = (pattern: string): Request => ({ excludePatterns: [Buffer.from(pattern)] });
  const cases: readonly [Request, message: string][] = [
    [exclude(""), "empty exclude pattern"],
    [exclude("main"), `${prefix} "main"`],
    [exclude("refs/tags/v1"), `${prefix} "refs/tags/v1"`],
    [exclude("refs/heads/\0evil"), 'exclude pattern contains null byte: "refs/heads/\\x00evil"'],
    [{ paginationParams: { pageToken: "refs/heads/none", limit: 10 } }, token],
    [{ paginationParams: { pageToken: "refs/heads/main" } }, token],
  ];
  for (const [request, message] of cases) {
    for (const metadata of [{}, WITHOUT_LISTING]) {
      const whole = { ...request, repository: repository.address };
      await assert.rejects(collect(client.findLocalBranches(whole, { metadata })), {
        kind: "invalid-argument",
        message,
      });
    }
  }
  await assertRepositoryErrors((address) =>
    client.findLocalBranches({ ...(address && { repository: address }) }),
  );
});

test("findLocalBranches fails on branches without their commit", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const repository = server.repository();
  addBranches(repository);
  writeFileSync(join(repository.path, "refs/heads/zombie"), `${"1".repeat(40)}\n`);
  const cases = [
    [{}, 0, "finding refs: listing failed with exit code 128"],
    [WITHOUT_LISTING, 0, "finding refs: sending lines: object not found"],
  ] as const;
  for (const [metadata, count, message] of cases) {
    const replies = client.findLocalBranches({ repository: repository.address }, { metadata });
    const received: FindLocalBranchesResponse[] = [];
    const receiveAll = async (): Promise<void> => {
      for await (const reply of replies) received.push(reply);
    };
    await assert.rejects(receiveAll(), { kind: "internal", message });
    assert.equal(names(received).length, count);
  }
});
