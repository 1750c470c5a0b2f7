import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { create, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { MetricRegistry } from "../../base/metric/metric-registry.ts";
import { RepositoryCache } from "../../git/repository/repository-cache.ts";
import { CommandMetrics } from "../../gitcmd/runner/command-metrics.ts";
import * as proto from "../../proto/diff_pb.ts";
import { EncodedReply } from "../../rpc/encoded-reply.ts";
import { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { commitFiles } from "../../testing/commit-files.ts";
import { createTestRepository, type TestRepository } from "../../testing/git-repository.ts";
import { testCall } from "../../testing/server-call.ts";
import { startTestGitRunner } from "../../testing/test-git-runner.ts";
import { commitDelta } from "./commit-delta.ts";
import { commitDiff } from "./commit-diff.ts";
import type { CompareNeeds } from "./compared-commits.ts";
import { diffBlobs } from "./diff-blobs.ts";
import { diffStats } from "./diff-stats.ts";
import { findChangedPaths } from "./find-changed-paths.ts";
import { rawDiff } from "./raw-diff.ts";

const { CommitDiffRequest_WhitespaceChanges: Whitespace } = proto;
const { method } = proto.DiffService;

/** A repository, what compares in it, and which processes that took. */
interface Fixture {
  readonly needs: CompareNeeds;
  readonly repository: TestRepository;
  readonly address: { readonly storageName: string; readonly relativePath: string };
  /** Why git was asked, until now. */
  reasons(): string[];
  /** Processes until now. */
  processCount(): number;
}

async function startFixture(t: TestContext): Promise<Fixture> {
  const registry = new MetricRegistry();
  const git = await startTestGitRunner(t, { metrics: new CommandMetrics(registry) });
  const repository = createTestRepository(t);
  const repositories = new RepositoryCache();
  t.after(() => repositories.close());
  const locator = new RepositoryLocator(new Map([["default", dirname(repository.path)]]));
  const started = /gitaly_spawn_forking_time_seconds_count (\d+)/;
  return {
    needs: { git, locator, repositories },
    repository,
    address: { storageName: "default", relativePath: "repository.git" },
    reasons: () => {
      const counts = registry.render().matchAll(/reader_fallback_total\{reason="([^"]+)"\}/g);
      return [...counts].map(([, reason = ""]) => reason);
    },
    processCount: () => Number(started.exec(registry.render())?.[1] ?? 0),
  };
}

async function readAll<Reply>(replies: AsyncIterable<Reply>): Promise<Reply[]> {
  const all: Reply[] = [];
  for await (const reply of replies) all.push(reply);
  return all;
}

test("differences of commits and blobs take no process", async (t) => {
  const { needs, repository, address, processCount } = await startFixture(t);
  const left = commitFiles(repository, { a: "one\n", gone: "x\ny\nz\n", "d/b": "1\n" });
  const right = commitFiles(repository, { a: "two\n", here: "x\ny\nzz\n", "d/b": "1\n2\n" }, [
    left,
  ]);
  const compared = { repository: address, leftCommitId: left, rightCommitId: right };
  const blobs = repository.gitLines(["rev-parse", `${left}:a`, `${right}:a`]).map(Buffer.from);
  const pair = { leftBlob: blobs[0] ?? Buffer.alloc(0), rightBlob: blobs[1] ?? Buffer.alloc(0) };
  const diffs = await readAll(
    commitDiff(needs)(create(proto.CommitDiffRequestSchema, compared), testCall(method.commitDiff)),
  );
  assert.equal(diffs.length, 3);
  const delta = create(proto.CommitDeltaRequestSchema, { ...compared, paths: [Buffer.from("d")] });
  const deltas = await readAll(commitDelta(needs)(delta, testCall(method.commitDelta)));
  assert.equal(deltas[0]?.deltas?.length, 1);
  const stats = create(proto.DiffStatsRequestSchema, compared);
  const counted = await readAll(diffStats(needs)(stats, testCall(method.diffStats)));
  assert.equal(counted[0]?.stats?.length, 3);
  const raw = create(proto.RawDiffRequestSchema, compared);
  assert.ok((await readAll(rawDiff(needs)(raw, testCall(method.rawDiff)))).length > 0);
  const paths = create(proto.FindChangedPathsRequestSchema, {
    repository: address,
    commits: [right],
  });
  const changed = await readAll(findChangedPaths(needs)(paths, testCall(method.findChangedPaths)));
  assert.equal(changed[0]?.paths?.length, 4);
  const pairs = create(proto.DiffBlobsRequestSchema, { repository: address, blobPairs: [pair] });
  const compare = await readAll(diffBlobs(needs)(pairs, testCall(method.diffBlobs)));
  assert.equal(compare[0]?.linesAdded, 1);
  assert.equal(processCount(), 0);
});

test("a patch that is known doesn't hide that a file is missing", async (t) => {
  const { needs, repository, address, processCount } = await startFixture(t);
  const left = commitFiles(repository, { a: "one\n" });
  const right = commitFiles(repository, { a: "two\n" });
  const blob = repository.gitLine(["rev-parse", `${left}:a`]);
  const request = create(proto.CommitDiffRequestSchema, {
    ...{ repository: address, leftCommitId: left, rightCommitId: right },
  });
  const compare = () => readAll(commitDiff(needs)(request, testCall(method.commitDiff)));
  const [first] = await compare();
  assert.ok(first instanceof EncodedReply);
  const { rawPatchData } = fromBinary(first.schema, first.bytes);
  assert.equal(Buffer.from(rawPatchData).toString(), "@@ -1 +1 @@\n-one\n+two\n");
  assert.deepEqual(await compare(), [first]);
  assert.equal(processCount(), 0);
  rmSync(join(repository.path, "objects", blob.slice(0, 2), blob.slice(2)));
  await assert.rejects(compare(), /exit status 128/);
});

test("what isn't done here is left to git, and counted by its reason", async (t) => {
  const fixture = await startFixture(t);
  const { needs, repository, address } = fixture;
  const left = commitFiles(repository, { a: "one\n" });
  const right = commitFiles(repository, { a: "two\n" });
  repository.git(["update-ref", "refs/heads/main", right]);
  const base = { repository: address, leftCommitId: left, rightCommitId: right };
  const seen = new Set<string>();
  const assertReason = async (
    reason: string,
    change: MessageInitShape<typeof proto.CommitDiffRequestSchema>,
  ): Promise<void> => {
    const request = create(proto.CommitDiffRequestSchema, base);
    Object.assign(request, change);
    const replies = await readAll(commitDiff(needs)(request, testCall(method.commitDiff)));
    assert.ok(replies.length > 0, reason);
    seen.add(reason);
    assert.deepEqual(fixture.reasons().sort(), [...seen].sort());
  };
  await assertReason("options", { whitespaceChanges: Whitespace.IGNORE_ALL });
  await assertReason("path", { paths: [Buffer.from("*")] });
  await assertReason("revision", { leftCommitId: `${left}^{/mess}` });
  const large = "line\n".repeat(60_000);
  await assertReason("large-file", {
    rightCommitId: commitFiles(repository, { a: large }),
  });
  const languages = commitFiles(repository, { ".gitattributes": "* diff=fortran\n", a: "3\n" });
  repository.git(["update-ref", "refs/heads/main", languages]);
  await assertReason("function-line", {});
  repository.git(["config", "diff.context", "1"]);
  await assertReason("configuration", {});
});

test("git goes on where a difference can't go on here", async (t) => {
  const { needs, repository, address, reasons } = await startFixture(t);
  const lines = Array.from({ length: 12_000 }, (_, line) => `line ${line}\n`);
  const before = { a: "one\n", b: lines.join(""), c: "x\n", d: "y\n" };
  const after = {
    a: "two\n",
    b: lines.toReversed().join(""),
    c: "line\n".repeat(60_000),
    d: "z\n",
  };
  const left = commitFiles(repository, before);
  const right = commitFiles(repository, after);
  const compared = { repository: address, leftCommitId: left, rightCommitId: right };
  const raw = create(proto.RawDiffRequestSchema, compared);
  const replies = await readAll(rawDiff(needs)(raw, testCall(method.rawDiff)));
  const printed = Buffer.concat(replies.map(({ data }) => data ?? Buffer.alloc(0)));
  const expected = repository.git(["diff", "--full-index", left, right]);
  assert.ok(printed.equals(expected));
  const stats = create(proto.DiffStatsRequestSchema, compared);
  const counted = await readAll(diffStats(needs)(stats, testCall(method.diffStats)));
  assert.deepEqual(
    counted.flatMap(({ stats: files = [] }) => files.map(({ path }) => String(path))),
    ["a", "b", "c", "d"],
  );
  assert.ok(reasons().length > 0);
});

test("an aborted difference ends", async (t) => {
  const { needs, repository, address } = await startFixture(t);
  const files = (text: string): Record<string, string> =>
    Object.fromEntries(
      Array.from({ length: 200 }, (_, file) => [`${file}`, `${text}\n`.repeat(2000)]),
    );
  const left = commitFiles(repository, files("before"));
  const right = commitFiles(repository, files("after"));
  const compared = { repository: address, leftCommitId: left, rightCommitId: right };
  const abort = new AbortController();
  const request = create(proto.RawDiffRequestSchema, compared);
  const call = testCall(method.rawDiff, { signal: abort.signal });
  const replies = rawDiff(needs)(request, call);
  const reason = new Error("gone");
  await assert.rejects(async () => {
    for await (const _ of replies) abort.abort(reason);
  }, reason);
});
