import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { InternalGitaly } from "../../proto/internal_pb.ts";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { collect } from "../../testing/repository-errors.ts";
import { type GitlabAnswer, startTestGitlab } from "../../testing/test-gitlab.ts";
import { startTestServer, TEST_STORAGE } from "../../testing/test-server.ts";
import { gitlabSettings } from "../../testing/test-settings.ts";

type Members = Record<string, readonly object[] | null>;

/** A server whose GitLab knows what `answer` says of the pools that it is asked for. */
async function fixture(t: TestContext, answer: (pools: string[]) => Members | GitlabAnswer) {
  const asked: string[][] = [];
  const { host } = await startTestGitlab(t, ({ url = "" }) => {
    const { pathname, searchParams } = new URL(url, "http://gitlab");
    assert.equal(pathname, "/api/v4/internal/gitaly/object_pool_members");
    assert.equal(searchParams.get("storage"), TEST_STORAGE);
    assert.equal(searchParams.get("upstream_only"), "true");
    const pools = searchParams.getAll("disk_paths[]");
    asked.push(pools);
    const answered = answer(pools);
    return "status" in answered ? answered : { body: JSON.stringify(answered) };
  });
  const secretFile = join(temporaryDirectory(t), "secret");
  writeFileSync(secretFile, "secret");
  const gitlab = gitlabSettings({ url: `http://${host}`, secretFile });
  const client = (await startTestServer(t, { gitlab })).client(InternalGitaly);
  const ask = async (...poolDiskPaths: string[][]): Promise<Record<string, string>> => {
    const requests = poolDiskPaths.map((paths, index) => ({
      storageName: index === 0 ? TEST_STORAGE : "",
      poolDiskPaths: paths,
    }));
    const [reply, ...more] = await collect(client.listPoolUpstreams(requests));
    assert.deepEqual(more, []);
    return reply?.upstreams ?? {};
  };
  return { asked, client, ask };
}

function upstream(relativePath: string, isPublic = true): object {
  return { relative_path: relativePath, public: isPublic, is_upstream: true };
}

test("listPoolUpstreams tells where pools come from", async (t) => {
  const known: Members = {
    "@pools/1": [upstream("one.git")],
    "@pools/2": [upstream("two.git", false)],
    "@pools/3": [],
    "@pools/4": [upstream("four.git"), upstream("more.git")],
    "@pools/5": null,
    "@pools/6": [upstream("six.git")],
  };
  const { ask, asked } = await fixture(t, () => known);
  const pools = ["1.git", "1.git", "2.git", "3.git", "4.git", "5.git"].map(
    (name) => `@pools/${name}`,
  );
  assert.deepEqual(await ask(pools, ["@pools/6"]), {
    "@pools/1.git": "one.git",
    "@pools/6": "six.git",
  });
  assert.deepEqual(asked, [Object.keys(known)]);
});

test("listPoolUpstreams asks for no more than 500 pools at once", async (t) => {
  const { ask, asked } = await fixture(t, (pools) =>
    Object.fromEntries(pools.map((pool) => [pool, [upstream(`${pool}/up.git`)]])),
  );
  const pools = Array.from({ length: 501 }, (_, index) => `@pools/${index}.git`);
  assert.equal(Object.keys(await ask(pools)).length, 501);
  assert.deepEqual(
    asked.map(({ length }) => length),
    [500, 1],
  );
});

test("listPoolUpstreams asks nobody about nothing", async (t) => {
  const { ask, asked, client } = await fixture(t, () => assert.fail("nobody asks"));
  assert.deepEqual(await ask([]), {});
  await assert.rejects(collect(client.listPoolUpstreams([{ poolDiskPaths: ["a"] }])), {
    kind: "invalid-argument",
    message: "storage name is required",
  });
  await assert.rejects(collect(client.listPoolUpstreams([])), {
    kind: "invalid-argument",
    message: "receive request: EOF",
  });
  assert.deepEqual(asked, []);
});

test("listPoolUpstreams passes on what GitLab refuses", async (t) => {
  const body = JSON.stringify({ message: "no such storage" });
  const { ask } = await fixture(t, () => ({ status: 404, body }));
  await assert.rejects(ask(["@pools/1.git"]), {
    kind: "internal",
    message: "query Rails: get: no such storage",
  });
});

test("listPoolUpstreams knows nothing without GitLab", async (t) => {
  const client = (await startTestServer(t)).client(InternalGitaly);
  const requests = [{ storageName: TEST_STORAGE, poolDiskPaths: ["a.git"] }];
  const [reply] = await collect(client.listPoolUpstreams(requests));
  assert.deepEqual(reply?.upstreams, {});
});
