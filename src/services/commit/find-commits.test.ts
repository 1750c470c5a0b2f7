import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { anyIs } from "@bufbuild/protobuf/wkt";
import {
  CommitService,
  FindCommitsErrorSchema,
  type FindCommitsRequestSchema,
  FindCommitsRequest_Order as Order,
} from "../../proto/commit_pb.ts";
import type { GitCommit } from "../../proto/shared_pb.ts";
import { CallError } from "../../rpc/client/call-error.ts";
import { addBranchingHistory } from "../../testing/branching-history.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { startTestServer, type TestAddress, type TestServer } from "../../testing/test-server.ts";

type Request = Exclude<MessageInitShape<typeof FindCommitsRequestSchema>, { $typeName: string }>;

async function find(
  server: TestServer,
  repository: TestAddress,
  request: Request,
): Promise<GitCommit[]> {
  const client = server.client(CommitService);
  const replies = await collect(client.findCommits({ limit: 100, ...request, repository }));
  return replies.flatMap(({ commits }) => commits);
}

const time = (year: number, nanos = 0) => {
  return { seconds: BigInt(Date.UTC(year, 0, 1, 1, 1, 1) / 1000), nanos };
};

const CASES: readonly [Request, flags: string[]][] = [
  [{}, []],
  [{ limit: 0 }, ["-n0"]],
  [{ limit: 3 }, ["-n3"]],
  [{ limit: -1 }, []],
  [{ limit: 3, offset: 2 }, ["-n3", "--skip=2"]],
  [{ offset: 100 }, ["--skip=100"]],
  [{ limit: 3, offset: 2, follow: true }, ["-n3", "--skip=2"]],
  [{ order: Order.TOPO }, ["--topo-order"]],
  [{ skipMerges: true }, ["--no-merges"]],
  [{ firstParent: true }, ["--first-parent"]],
  [{ all: true }, ["--all", "--reverse"]],
  [{ all: true, limit: 3 }, ["--all", "--reverse", "-n3"]],
  [{ before: time(2006) }, ["--before=2006-01-01T01:01:01Z"]],
  [{ after: time(2003) }, ["--after=2003-01-01T01:01:01Z"]],
  [{ after: time(2003, 5) }, ["--after=2003-01-01T01:01:01Z"]],
  [{ author: Buffer.from("somebody") }, ["--author=somebody"]],
  [{ author: Buffer.from("^A") }, ["--author=^A"]],
  [{ messageRegex: "COMMIT [1-3]$" }, ["--grep=commit [1-3]$"]],
  [{ paths: [Buffer.from("file")] }, ["--", "file"]],
  [{ paths: [Buffer.from("f*")] }, ["--", "f*"]],
  [{ paths: [Buffer.from("f*")], globalOptions: { literalPathspecs: true } }, ["-n0"]],
];

test("findCommits lists what git log lists, in its order", async (t) => {
  const server = await startTestServer(t);
  for (const format of ["sha1", "sha256"] as const) {
    const repository = server.repository({ format });
    addBranchingHistory(repository);
    for (const [request, flags] of CASES) {
      for (const revision of ["", "side", "side..main", "annotated", "@{0}"]) {
        const args = revision === "" ? [] : [revision];
        const [options, paths] = flags[0] === "--" ? [[], flags] : [flags, []];
        const expected = repository.gitLines(["log", "--format=%H", ...options, ...args, ...paths]);
        const found = await find(server, repository.address, {
          ...request,
          revision: Buffer.from(revision),
        });
        assert.deepEqual(
          found.map(({ id }) => id),
          expected,
          `${flags.join(" ")} ${revision}`,
        );
      }
    }
  }
});

test("findCommits follows a file through renames", async (t) => {
  const server = await startTestServer(t);
  const { address, git, gitLine } = server.repository();
  const blob = gitLine(["hash-object", "-w", "--stdin"], { input: "1\n2\n3\n4\n" });
  const commits: string[] = [];
  for (const name of ["old", "old", "new", "newest"]) {
    const tree = gitLine(["mktree"], { input: `100644 blob ${blob}\t${name}\n` });
    const parent = commits.at(-1);
    const flags = parent === undefined ? [] : ["-p", parent];
    commits.push(gitLine(["commit-tree", tree, ...flags, "-m", name]));
  }
  git(["update-ref", "refs/heads/main", commits[3] ?? ""]);
  const ids = async (request: Request): Promise<(string | undefined)[]> =>
    (await find(server, address, { ...request, paths: [Buffer.from("newest")] })).map(
      ({ id }) => id,
    );
  const [one, , three, four] = commits;
  assert.deepEqual(await ids({}), [four]);
  assert.deepEqual(await ids({ follow: true }), [four, three, one]);
  assert.deepEqual(await ids({ follow: true, offset: 1, limit: 1 }), [three]);
  assert.deepEqual(await ids({ follow: true, offset: 5 }), []);
});

test("findCommits tells trailers, statistics and references when asked", async (t) => {
  const server = await startTestServer(t);
  const { address, git, gitLine } = server.repository();
  const blob = gitLine(["hash-object", "-w", "--stdin"], { input: "1\n2\n" });
  const tree = gitLine(["mktree"], { input: `100644 blob ${blob}\tä\n` });
  const message = "subject\n\nbody\n\nSigned-off-by: Ä <a@x>\nKey: value\n";
  const one = gitLine(["commit-tree", tree], { input: message });
  const two = gitLine(["commit-tree", gitLine(["mktree"]), "-p", one, "-m", "plain"]);
  git(["update-ref", "refs/heads/main", two]);
  git(["update-ref", "refs/heads/ünïcode", one]);
  git(["tag", "-m", "message", "v1", two]);
  const options = [
    { trailers: true },
    { trailers: true, includeShortstat: true },
    { trailers: true, includeReferencedBy: [Buffer.from("refs/heads/"), Buffer.from("HEAD")] },
    {
      trailers: true,
      includeShortstat: true,
      includeReferencedBy: [Buffer.from("refs/")],
    },
  ];
  for (const request of options) {
    const [second, first] = await find(server, address, request);
    assert.equal(second?.id, two);
    assert.deepEqual(second.trailers, []);
    const trailers = first?.trailers.map(
      ({ key, value }) => `${Buffer.from(key)}=${Buffer.from(value)}`,
    );
    assert.deepEqual(trailers, ["Signed-off-by=Ä <a@x>", "Key=value"]);
    const hasStats = request.includeShortstat === true;
    const stats = [first, second].map((commit) => {
      const { additions, deletions, changedFiles } = commit?.shortStats ?? {};
      return [additions, deletions, changedFiles];
    });
    const none = [undefined, undefined, undefined];
    assert.deepEqual(
      stats,
      hasStats
        ? [
            [2, 0, 1],
            [0, 2, 1],
          ]
        : [none, none],
    );
    const refs = [first, second].map((commit) =>
      commit?.referencedBy.map((ref) => `${Buffer.from(ref)}`),
    );
    const heads = [["refs/heads/ünïcode"], ["HEAD", "refs/heads/main"]];
    const all = [["refs/heads/ünïcode"], ["refs/tags/v1", "refs/heads/main"]];
    const patterns = request.includeReferencedBy?.length ?? 0;
    assert.deepEqual(refs, [[[], []], all, heads][patterns]);
  }
});

test("findCommits says when there is nothing to start from", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const empty = server.repository();
  const { address, ...repository } = server.repository();
  addBranchingHistory(repository);
  const missing = "1".repeat(40);
  const paths = [Buffer.from("file")];
  const cases: readonly [TestAddress, string, Buffer[]][] = [
    [empty.address, "", []],
    [empty.address, "main", []],
    [empty.address, "main", paths],
    [address, "missing", []],
    [address, "missing", paths],
    [address, missing, []],
    [address, missing, paths],
    [address, `${missing}..${missing}`, []],
    [address, "main..missing", []],
  ];
  for (const [place, revision, files] of cases) {
    const request = { repository: place, revision: Buffer.from(revision), paths: files, limit: 10 };
    const error: unknown = await collect(client.findCommits(request)).catch((e: unknown) => e);
    assert.ok(error instanceof CallError, revision);
    assert.equal(error.kind, "not-found", revision);
    assert.equal(error.message, "commits not found");
    const [detail] = error.details;
    assert.ok(detail && anyIs(detail, FindCommitsErrorSchema));
  }
  assert.deepEqual(await find(server, empty.address, { all: true }), []);
});

test("findCommits sends what it has found before it fails", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const { address, path, ...repository } = server.repository();
  const [, , two = "", three, , five] = addBranchingHistory({ path, ...repository });
  rmSync(join(path, "objects", two.slice(0, 2), two.slice(2)));
  const found: string[] = [];
  const request = { repository: address, revision: Buffer.from("side"), limit: 10 };
  const receive = async (): Promise<void> => {
    for await (const { commits } of client.findCommits(request)) {
      found.push(...commits.map(({ id }) => id));
    }
  };
  await assert.rejects(receive(), { kind: "internal", message: "listing commits failed" });
  assert.deepEqual(found, [five, three].slice(0, found.length));
});

test("findCommits refuses invalid requests", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const { address: repository } = server.repository();
  const cases: readonly [Request, string][] = [
    [{ paths: [Buffer.from("")] }, "path is empty string"],
    [{ revision: Buffer.from("--output=/meow") }, "revision can't start with '-'"],
    [{ revision: Buffer.from("a:b"), all: true }, "revision can't contain ':'"],
  ];
  for (const [request, message] of cases) {
    await assert.rejects(collect(client.findCommits({ ...request, repository })), {
      kind: "invalid-argument",
      message,
    });
  }
  await assert.rejects(
    collect(client.findCommits({ repository, all: true, paths: [Buffer.from("a\0")], limit: 1 })),
    {
      kind: "internal",
      message:
        'error when creating git log command: detected null byte in command argument "a\\x00"',
    },
  );
  await assertRepositoryErrors((address) =>
    client.findCommits({ ...(address && { repository: address }) }),
  );
});
