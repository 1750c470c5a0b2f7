import assert from "node:assert/strict";
import { test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  DiffService,
  FindChangedPathsRequest_DiffStatus as DiffStatus,
  type FindChangedPathsRequestSchema,
  FindChangedPathsRequest_MergeCommitDiffMode as MergeMode,
  type FindChangedPathsRequest_RequestSchema as PathsRequestSchema,
  ChangedPaths_Status as Status,
} from "../../proto/diff_pb.ts";
import type { Client } from "../../rpc/client/client.ts";
import { commitFiles } from "../../testing/commit-files.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

type Request = Exclude<
  MessageInitShape<typeof FindChangedPathsRequestSchema>,
  { $typeName: string }
>;
type PathsRequest = MessageInitShape<typeof PathsRequestSchema>;

function commit(commitRevision: string, ...parentCommitRevisions: string[]): PathsRequest {
  return { type: { case: "commitRequest", value: { commitRevision, parentCommitRevisions } } };
}

function trees(leftTreeRevision: string, rightTreeRevision: string): PathsRequest {
  return { type: { case: "treeRequest", value: { leftTreeRevision, rightTreeRevision } } };
}

/** What is found: `A path`, `R old path`, and the commit's id where there is one. */
async function find(client: Client<typeof DiffService>, request: Request): Promise<string[]> {
  const replies = await collect(client.findChangedPaths(request));
  return replies
    .flatMap(({ paths }) => paths)
    .map(({ status, oldPath, path, commitId }) =>
      ["AMDTCR"[status], latin1(oldPath), latin1(path), commitId]
        .filter((part) => part !== "")
        .join(" "),
    );
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}

const MOVED = "a text that nothing else has\nand that tells\na rename\nfrom other changes\n";

test("findChangedPaths finds what commits have changed", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  for (const format of ["sha1", "sha256"] as const) {
    const repository = server.repository({ format });
    const base = commitFiles(repository, {
      "dir/\xff:\n": "old",
      gone: "gone",
      mode: "x",
      moved: MOVED,
      type: "t",
    });
    const next = commitFiles(
      repository,
      {
        "dir/\xff:\n": "new",
        added: "added",
        mode: { mode: "100755", content: "x" },
        "renamed one": `${MOVED}!`,
        type: { mode: "120000", content: "t" },
      },
      [base],
    );
    const [reply] = await collect(
      client.findChangedPaths({ repository: repository.address, requests: [commit(next)] }),
    );
    const [added, changed] = reply?.paths ?? [];
    assert.deepEqual(
      [added?.oldMode, added?.newMode, added?.oldBlobId, added?.newBlobId],
      [0, 0o100644, "0".repeat(base.length), repository.gitLine(["rev-parse", `${next}:added`])],
    );
    assert.deepEqual([changed?.status, changed?.oldMode], [Status.MODIFIED, 0o100644]);
    assert.deepEqual(await find(client, { repository: repository.address, commits: [next] }), [
      `A added ${next}`,
      `M dir/\xff:\n ${next}`,
      `D gone ${next}`,
      `M mode ${next}`,
      `D moved ${next}`,
      `A renamed one ${next}`,
      `T type ${next}`,
    ]);
    const request = { repository: repository.address, requests: [commit(next)], findRenames: true };
    assert.deepEqual(
      await find(client, {
        ...request,
        diffFilters: [DiffStatus.RENAMED, DiffStatus.DELETED, DiffStatus.DELETED],
      }),
      [`D gone ${next}`, `R moved renamed one ${next}`],
    );
    const root = await find(client, { repository: repository.address, requests: [commit(base)] });
    assert.equal(root.length, 5);
    assert.ok(root.every((line) => line.startsWith("A ") && line.endsWith(` ${base}`)));
  }
});

test("findChangedPaths compares merges with each parent, or with all at once", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  const repository = server.repository();
  const base = commitFiles(repository, { both: "0", left: "0", right: "0" });
  const left = commitFiles(repository, { both: "1", left: "1", right: "0" }, [base]);
  const right = commitFiles(repository, { both: "2", left: "0", right: "1" }, [base]);
  const merge = commitFiles(repository, { both: "3", left: "1", right: "1" }, [left, right]);
  const request = { repository: repository.address, requests: [commit(merge)] };
  const each = [`M both ${merge}`, `M right ${merge}`, `M both ${merge}`, `M left ${merge}`];
  assert.deepEqual(await find(client, request), each);
  assert.deepEqual(
    await find(client, { ...request, mergeCommitDiffMode: MergeMode.INCLUDE_MERGES }),
    each,
  );
  const all = { ...request, mergeCommitDiffMode: MergeMode.ALL_PARENTS };
  assert.deepEqual(await find(client, all), [`M both ${merge}`, `M both ${merge}`]);
  const [reply] = await collect(client.findChangedPaths(all));
  assert.deepEqual(
    reply?.paths.map(({ oldBlobId }) => oldBlobId),
    [left, right].map((parent) => repository.gitLine(["rev-parse", `${parent}:both`])),
  );
  assert.deepEqual(await find(client, { ...request, requests: [commit(merge, base)] }), [
    `M both ${merge}`,
    `M left ${merge}`,
    `M right ${merge}`,
  ]);
});

test("findChangedPaths compares trees, and takes any revision", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  const repository = server.repository();
  const { address, git } = repository;
  const one = commitFiles(repository, { a: "1", b: "1" });
  const two = commitFiles(repository, { a: "2", c: "1" }, [one]);
  git(["update-ref", "refs/heads/main", two]);
  git(["tag", "-a", "-m", "tag", "v1", one]);
  const tree = repository.gitLine(["rev-parse", `${one}^{tree}`]);
  const expected = ["M a", "D b", "A c"];
  for (const requests of [[trees(tree, "main")], [trees("v1", "main^{tree}")]]) {
    assert.deepEqual(await find(client, { repository: address, requests }), expected);
  }
  // Ids of commits are told only where all requests are about commits.
  const mixed = { repository: address, requests: [trees("v1", "main"), commit("main")] };
  assert.deepEqual(await find(client, mixed), [...expected, ...expected]);
  const several = { repository: address, commits: ["v1", "main"] };
  assert.deepEqual(await find(client, several), [
    `A a ${one}`,
    `A b ${one}`,
    ...expected.map((line) => `${line} ${two}`),
  ]);
  assert.deepEqual(await find(client, { repository: address, requests: [trees("v1", tree)] }), []);
  assert.deepEqual(await find(client, { repository: address }), []);
});

test("findChangedPaths fills replies up to 1 MiB", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  const repository = server.repository();
  const names = Array.from({ length: 8000 }, (_, index) => `${"x".repeat(200)}${index + 1000}`);
  const files = Object.fromEntries(names.map((name) => [name, "0"]));
  const commits = [commitFiles(repository, files)];
  const request = { repository: repository.address, commits };
  const replies = await collect(client.findChangedPaths(request));
  // 3 ids in fields of 42 bytes, a path of 204 or 205 in 207 or 208, a mode in 4.
  const sizes = replies.map(({ paths }) => paths.length);
  assert.deepEqual(sizes, [3111, 3111, 1778]);
  const gone = new AbortController();
  const stopped = client.findChangedPaths(request, { signal: gone.signal });
  await stopped.next();
  gone.abort();
  await assert.rejects(collect(stopped), { kind: "cancelled" });
});

test("findChangedPaths refuses what it can't find", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  const repository = server.repository();
  const { address } = repository;
  const main = commitFiles(repository, { a: "1" });
  const tree = repository.gitLine(["rev-parse", `${main}^{tree}`]);
  const blob = repository.gitLine(["rev-parse", `${main}:a`]);
  const cannot = (what: string, revision: string) =>
    ["not-found", `resolving ${what}: revision can not be found: "${revision}"`] as const;
  const cases: readonly [Request, kind: string, message: string][] = [
    [{ commits: [""] }, "invalid-argument", "resolving commit: revision cannot be empty"],
    [
      { commits: [main], requests: [commit(main)] },
      "invalid-argument",
      "cannot specify both commits and requests",
    ],
    [{ commits: ["notfound", main] }, ...cannot("commit", "notfound")],
    [{ requests: [{}, commit(tree)] }, ...cannot("commit", tree)],
    [{ requests: [commit(main, tree)] }, ...cannot("commit parent", tree)],
    [{ requests: [trees(blob, tree)] }, ...cannot("left tree", blob)],
    [{ requests: [trees(tree, blob)] }, ...cannot("right tree", blob)],
    [{ commits: ["1".repeat(40)] }, ...cannot("commit", "1".repeat(40))],
    [{ requests: [{}] }, "internal", "unknown FindChangedPathsRequest type"],
    [
      { commits: [main], diffFilters: [DiffStatus.UNSPECIFIED] },
      "invalid-argument",
      "invalid diff filter requested",
    ],
  ];
  for (const [request, kind, message] of cases) {
    const replies = client.findChangedPaths({ ...request, repository: address });
    await assert.rejects(collect(replies), { kind, message });
  }
  await assertRepositoryErrors((given) =>
    client.findChangedPaths({ ...(given && { repository: given }) }),
  );
});
