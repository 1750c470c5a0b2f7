import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { MessageInitShape, UnknownEnum } from "@bufbuild/protobuf";
import {
  type FindAllTagsRequestSchema,
  type FindAllTagsResponse,
  FindAllTagsRequest_SortBy_Key as Key,
  RefService,
} from "../../proto/ref_pb.ts";
import { SortDirection } from "../../proto/shared_pb.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { type ServedRepository, startTestServer } from "../../testing/test-server.ts";

type Request = Exclude<MessageInitShape<typeof FindAllTagsRequestSchema>, { $typeName: string }>;

const KINDS = [
  { format: "sha1", refFormat: "files" },
  { format: "sha256", refFormat: "reftable" },
] as const;

interface Fixture {
  readonly commit: string;
  readonly blob: string;
  readonly annotated: string;
}

/** Tags of all kinds; some with older dates than those before them. */
function addTags({ git, gitLine }: ServedRepository): Fixture {
  const commit = gitLine(["commit-tree", gitLine(["mktree"]), "-m", "message"]);
  const blob = gitLine(["hash-object", "-w", "--stdin"], { input: "content" });
  const env = { GIT_COMMITTER_DATE: "1600000000 +0000" };
  git(["tag", "v1.2", commit]);
  git(["tag", "-m", "on v1.10\n\nbody", "v1.10", commit], { env });
  git(["tag", "-m", "nested", "v1.9", "v1.10"]);
  git(["tag", "-m", "on a blob", "w-blob", blob]);
  git(["tag", "x-blob", blob]);
  return { commit, blob, annotated: gitLine(["rev-parse", "v1.10"]) };
}

function names(replies: readonly FindAllTagsResponse[]): string[] {
  return replies.flatMap(({ tags }) => tags.map(({ name }) => Buffer.from(name).toString()));
}

test("findAllTags tells about tags and the commits they lead to", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  for (const kind of KINDS) {
    const repository = server.repository(kind);
    const { commit, blob, annotated } = addTags(repository);
    for (const packed of [false, true]) {
      if (packed) repository.git(["pack-refs", "--all"]);
      const replies = await collect(client.findAllTags({ repository: repository.address }));
      assert.equal(replies.length, 1);
      const [v10, v2, v9, w, x] = replies[0]?.tags ?? [];
      assert.deepEqual(names(replies), ["v1.10", "v1.2", "v1.9", "w-blob", "x-blob"]);
      assert.equal(v10?.id, annotated);
      assert.equal(Buffer.from(v10.message).toString(), "on v1.10\n\nbody");
      assert.equal(v10.messageSize, 14n);
      assert.equal(v10.tagger?.date?.seconds, 1_600_000_000n);
      assert.equal(v10.targetCommit?.id, commit);
      assert.equal(v2?.id, commit);
      assert.equal(v2.targetCommit?.id, commit);
      assert.equal(v2.tagger, undefined);
      assert.equal(v9?.targetCommit?.id, commit);
      assert.equal(Buffer.from(w?.message ?? []).toString(), "on a blob");
      assert.equal(w?.targetCommit, undefined);
      assert.equal(x?.id, blob);
      assert.equal(x.targetCommit, undefined);
    }
  }
});

test("findAllTags sorts and cuts pages", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const repository = server.repository();
  addTags(repository);
  const { ASCENDING, DESCENDING } = SortDirection;
  const page = (limit: number, pageToken = ""): Request => {
    return { paginationParams: { limit, pageToken } };
  };
  const sort = (key: Key, direction: SortDirection = ASCENDING): Request => {
    return { sortBy: { key, direction } };
  };
  const all = ["v1.10", "v1.2", "v1.9", "w-blob", "x-blob"];
  const cases: readonly [Request, string[]][] = [
    [sort(Key.REFNAME), all],
    [sort(Key.REFNAME, DESCENDING), all.toReversed()],
    [sort(Key.VERSION_REFNAME), ["v1.2", "v1.9", "v1.10", "w-blob", "x-blob"]],
    [sort(Key.VERSION_REFNAME, DESCENDING), ["x-blob", "w-blob", "v1.10", "v1.9", "v1.2"]],
    [sort(Key.CREATORDATE), ["x-blob", "v1.10", "v1.2", "v1.9", "w-blob"]],
    [sort(Key.CREATORDATE, DESCENDING), ["v1.2", "v1.9", "w-blob", "v1.10", "x-blob"]],
    [page(0), []],
    [page(2), all.slice(0, 2)],
    [page(10), all],
    [page(-1), all],
    [page(2, "refs/tags/v1.2"), all.slice(2, 4)],
    [page(10, "refs/tags/x-blob"), []],
    [{ ...page(1, "refs/tags/v1.9"), ...sort(Key.VERSION_REFNAME) }, ["v1.10"]],
  ];
  for (const [request, expected] of cases) {
    const replies = client.findAllTags({ ...request, repository: repository.address });
    assert.deepEqual(names(await collect(replies)), expected);
  }
});

test("findAllTags shows people as the mailmap of HEAD says", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const { address, git, gitLine } = server.repository();
  const input = "Proper Name <proper@example.com> <committer@example.com>\n";
  const blob = gitLine(["hash-object", "-w", "--stdin"], { input });
  const tree = gitLine(["mktree"], { input: `100644 blob ${blob}\t.mailmap\n` });
  git(["update-ref", "refs/heads/main", gitLine(["commit-tree", tree, "-m", "message"])]);
  git(["tag", "-m", "message", "v1", "main"]);
  const [reply] = await collect(client.findAllTags({ repository: address }));
  const [tag] = reply?.tags ?? [];
  assert.equal(Buffer.from(tag?.tagger?.name ?? []).toString(), "Proper Name");
  assert.equal(Buffer.from(tag?.targetCommit?.committer?.name ?? []).toString(), "Proper Name");
});

test("findAllTags answers again as things are by then", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const { address, path, git, gitLine } = server.repository();
  const taggers = async (): Promise<string[]> => {
    const replies = await collect(client.findAllTags({ repository: address }));
    return replies.flatMap(({ tags }) =>
      tags.map(({ name, tagger, targetCommit }) =>
        [name, tagger?.name, targetCommit?.subject].map((bytes) => Buffer.from(bytes ?? [])).join(),
      ),
    );
  };
  const first = gitLine(["commit-tree", gitLine(["mktree"]), "-m", "first"]);
  git(["tag", "-m", "message", "v1", first]);
  git(["tag", "v2", first]);
  git(["pack-refs", "--all"]);
  const before = ["v1,C O Mitter,first", "v2,,first"];
  for (let time = 0; time < 3; time++) assert.deepEqual(await taggers(), before);

  const input = "Proper Name <proper@example.com> <committer@example.com>\n";
  const blob = gitLine(["hash-object", "-w", "--stdin"], { input });
  const tree = gitLine(["mktree"], { input: `100644 blob ${blob}\t.mailmap\n` });
  git(["update-ref", "refs/heads/main", gitLine(["commit-tree", tree, "-m", "second"])]);
  const mapped = ["v1,Proper Name,first", "v2,,first"];
  for (let time = 0; time < 2; time++) assert.deepEqual(await taggers(), mapped);

  git(["tag", "-f", "v2", "main"]);
  git(["pack-refs", "--all"]);
  const moved = ["v1,Proper Name,first", "v2,,second"];
  for (let time = 0; time < 2; time++) assert.deepEqual(await taggers(), moved);

  rmSync(join(path, "objects", first.slice(0, 2), first.slice(2)));
  await assert.rejects(taggers(), { kind: "internal" });
});

test("findAllTags refuses invalid requests", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const { address: repository } = server.repository();
  const unknown = -1 as UnknownEnum;
  const cases: readonly [Request, string][] = [
    [{ sortBy: { key: unknown } }, "unsupported sorting key: -1"],
    [{ sortBy: { direction: unknown } }, "unsupported sorting direction: -1"],
    [{ sortBy: { key: unknown, direction: unknown } }, "unsupported sorting direction: -1"],
    [{ paginationParams: { pageToken: "none" } }, "could not find page token"],
    [{ paginationParams: { pageToken: "none", limit: 3 } }, "could not find page token"],
  ];
  for (const [request, message] of cases) {
    await assert.rejects(collect(client.findAllTags({ ...request, repository })), {
      kind: "invalid-argument",
      message,
    });
  }
  assert.deepEqual(await collect(client.findAllTags({ repository })), []);
  await assertRepositoryErrors((address) =>
    client.findAllTags({ ...(address && { repository: address }) }),
  );
});

test("findAllTags fails on tags whose object isn't there", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const { address: repository, path } = server.repository();
  writeFileSync(join(path, "refs/tags/zombie"), `${"1".repeat(40)}\n`);
  await assert.rejects(collect(client.findAllTags({ repository })), {
    kind: "internal",
    message: "iterating over tags: for-each-ref pipeline command: exit status 128",
  });
});

test("findAllTags fails when tags are sorted by a date that git can't show", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const { address: repository, git, gitLine } = server.repository();
  const tree = gitLine(["mktree"]);
  const input = `tree ${tree}\nauthor A <a@b> 1 +0000\ncommitter A <a@b> -5 +0000\n\n`;
  const commit = gitLine(["hash-object", "-t", "commit", "-w", "--stdin", "--literally"], {
    input,
  });
  git(["update-ref", "refs/tags/late", commit]);
  const sortBy = { key: Key.CREATORDATE, direction: SortDirection.ASCENDING };
  await assert.rejects(collect(client.findAllTags({ repository, sortBy })), {
    kind: "internal",
    message: "iterating over tags: for-each-ref pipeline command: exit status 128",
  });
});
