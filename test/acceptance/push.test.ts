import assert from "node:assert/strict";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { writeCustomHook } from "../../src/testing/custom-hook.ts";
import { temporaryDirectory } from "../../src/testing/git-repository.ts";
import { startForge } from "./forge.ts";
import { GitClient } from "./git-client.ts";
import { addCommit, makeWorkTree } from "./work-tree.ts";

interface Pushing {
  /** The one who pushes, in a work tree whose `main` is on the server already. */
  readonly work: GitClient;
  readonly url: string;
  readonly servedPath: string;
  readonly served: GitClient;
}

async function preparePush(t: TestContext, transport: "http" | "ssh"): Promise<Pushing> {
  const forge = await startForge(t);
  const work = await makeWorkTree(join(temporaryDirectory(t), "work"), "sha1");
  const url = `${forge[transport]}/project.git`;
  await work.run("push", "-q", url, "main");
  const servedPath = join(forge.storagePath, "project.git");
  return { work, url, servedPath, served: new GitClient({ cwd: servedPath }) };
}

suite("a push", { concurrency: 2 }, () => {
  for (const transport of ["http", "ssh"] as const) {
    test(`over ${transport} shows what custom hooks say, and gives them its options`, async (t) => {
      const { work, url, servedPath, served } = await preparePush(t, transport);
      const option = 'echo "$GIT_PUSH_OPTION_COUNT $GIT_PUSH_OPTION_1"';
      writeCustomHook(servedPath, "pre-receive", `${option}; cat >/dev/null`);
      writeCustomHook(servedPath, "post-receive", "echo thanks >&2; cat >/dev/null");
      const tip = await addCommit(work, "next");
      const { status, stderr } = await work.attempt(
        "push",
        "--push-option=one",
        "--push-option=ci.skip",
        url,
        "main",
      );
      assert.equal(status, 0, stderr);
      assert.match(stderr, /^remote: 2 ci\.skip *$/m);
      assert.match(stderr, /^remote: thanks *$/m);
      assert.equal(await served.run("rev-parse", "main"), tip);
    });

    test(`over ${transport} that hooks refuse changes nothing`, async (t) => {
      const { work, url, servedPath, served } = await preparePush(t, transport);
      const before = await served.run("rev-parse", "main");
      await addCommit(work, "next");
      writeCustomHook(servedPath, "pre-receive", "echo 'not today' >&2; exit 1");
      const refused = await work.attempt("push", url, "main", "side");
      assert.notEqual(refused.status, 0);
      assert.match(refused.stderr, /^remote: not today *$/m);
      assert.match(refused.stderr, /main -> main \(pre-receive hook declined\)/);
      assert.equal(await served.run("for-each-ref"), `${before} commit\trefs/heads/main`);

      writeCustomHook(servedPath, "pre-receive", "exit 0");
      writeCustomHook(servedPath, "update", '[ "$1" = refs/heads/side ]');
      const partly = await work.attempt("push", url, "main", "side");
      assert.notEqual(partly.status, 0);
      assert.match(partly.stderr, /main -> main \(hook declined\)/);
      assert.equal(await served.run("rev-parse", "main"), before);
      assert.equal(await served.run("rev-parse", "side"), await work.run("rev-parse", "side"));

      const atomic = await work.attempt("push", "--atomic", url, "main", "side:other");
      assert.notEqual(atomic.status, 0);
      assert.equal((await served.attempt("rev-parse", "--verify", "other")).status, 128);
    });

    test(`over ${transport} may be of many refs`, async (t) => {
      const { work, url, served } = await preparePush(t, transport);
      const names = Array.from({ length: 500 }, (_, index) => `refs/heads/many/${index}`);
      await work.run("push", "-q", url, ...names.map((name) => `main:${name}`));
      const refs = await served.run("for-each-ref", "--format=%(refname)", "refs/heads/many");
      assert.deepEqual(new Set(refs.split("\n")), new Set(names));
      await work.run("push", "-q", url, ...names.map((name) => `:${name}`));
      assert.equal(await served.run("for-each-ref", "refs/heads/many"), "");
      await served.run("fsck", "--strict");
    });
  }

  test("that asks for the impossible is told why", async (t) => {
    const { work, url, served } = await preparePush(t, "http");
    const refs = await served.run("for-each-ref");
    const hidden = await work.attempt("push", url, "main:refs/merge-requests/1/head");
    assert.match(hidden.stderr, /deny updating a hidden ref/);
    const current = await work.attempt("push", url, ":main");
    assert.match(current.stderr, /refusing to delete the current branch|deletion of the current/);
    assert.equal(await served.run("for-each-ref"), refs);
  });

  test("leaves nothing to fetch in bundles", async (t) => {
    const { work, url } = await preparePush(t, "http");
    const trace = { env: { GIT_TRACE_PACKET: "1" }, config: ["transfer.bundleURI=true"] };
    const { stderr } = await work.with(trace).attempt("ls-remote", url);
    assert.match(stderr, /ls-refs/);
    assert.doesNotMatch(stderr, /bundle-uri/);
  });
});
