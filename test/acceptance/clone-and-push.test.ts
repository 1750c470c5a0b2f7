import assert from "node:assert/strict";
import { join } from "node:path";
import { suite, test } from "node:test";
import { RepositoryService } from "../../src/proto/repository_pb.ts";
import { ObjectFormat } from "../../src/proto/shared_pb.ts";
import { dial } from "../../src/rpc/client/channel.ts";
import { createClient } from "../../src/rpc/client/client.ts";
import { temporaryDirectory } from "../../src/testing/git-repository.ts";
import { type Forge, startForge } from "./forge.ts";
import { GitClient } from "./git-client.ts";
import { addCommit, makeWorkTree } from "./work-tree.ts";

const FORMATS = { sha1: ObjectFormat.SHA1, sha256: ObjectFormat.SHA256 } as const;

/** Pushing makes SHA-1 repositories, so the other kind has to be there already. */
async function createRepository(
  forge: Forge,
  name: string,
  format: keyof typeof FORMATS,
): Promise<void> {
  await using channel = dial(forge.grpcAddress);
  await createClient(RepositoryService, channel).createRepository({
    repository: { storageName: "default", relativePath: `${name}.git` },
    objectFormat: FORMATS[format],
  });
}

async function refsOf(git: GitClient, ...args: readonly string[]): Promise<string[]> {
  return (await git.run(...args)).split("\n").filter((line) => line !== "");
}

suite("a git client", { concurrency: 2 }, () => {
  for (const transport of ["http", "ssh"] as const) {
    for (const version of ["0", "2"] as const) {
      for (const format of ["sha1", "sha256"] as const) {
        test(`works over ${transport}, protocol version ${version}, ${format}`, async (t) => {
          const forge = await startForge(t);
          const folder = temporaryDirectory(t);
          await createRepository(forge, "group/project", format);
          const url = `${forge[transport]}/group/project.git`;
          const served = new GitClient({
            cwd: join(forge.storagePath, "group/project.git"),
          });
          const settings = { config: [`protocol.version=${version}`] };
          const work = (await makeWorkTree(join(folder, "work"), format)).with(settings);
          const outside = new GitClient({ ...settings, cwd: folder });

          await work.run("push", "-q", url, "main", "side", "v1");
          await outside.run("clone", "-q", url, "clone");
          const clone = outside.with({ cwd: join(folder, "clone") });
          await clone.run("fsck", "--strict", "--no-dangling");
          await served.run("fsck", "--strict", "--no-dangling");
          assert.deepEqual(
            await refsOf(served, "for-each-ref", "--format=%(refname) %(objectname)"),
            await refsOf(work, "for-each-ref", "--format=%(refname) %(objectname)"),
          );

          const next = await addCommit(work, "next");
          await work.run("push", "-q", url, "main");
          await clone.run("pull", "-q", "--ff-only");
          assert.equal(await clone.run("rev-parse", "HEAD"), next);

          await work.run("reset", "-q", "--hard", "HEAD~1");
          const other = await addCommit(work, "other");
          assert.notEqual((await work.attempt("push", url, "main")).status, 0);
          await work.run("push", "-q", "--force", url, "main");
          await work.run("push", "-q", url, ":side", "main:refs/tags/light");
          await clone.run("fetch", "-q", "--prune", "origin");
          assert.equal(await clone.run("rev-parse", "origin/main", "light"), `${other}\n${other}`);
          assert.deepEqual(await refsOf(served, "for-each-ref", "--format=%(refname)"), [
            "refs/heads/main",
            "refs/tags/light",
            "refs/tags/v1",
          ]);

          await outside.run("clone", "-q", "--depth=1", url, "shallow");
          const shallow = outside.with({ cwd: join(folder, "shallow") });
          assert.equal(await shallow.run("rev-list", "--count", "HEAD"), "1");
          await shallow.run("fetch", "-q", "--deepen=1");
          assert.equal(await shallow.run("rev-list", "--count", "--first-parent", "HEAD"), "2");
          await shallow.run("fetch", "-q", "--unshallow");
          assert.equal(
            await shallow.run("rev-list", "--count", "HEAD"),
            await work.run("rev-list", "--count", "main"),
          );

          await outside.run("clone", "-q", "--filter=blob:none", url, "partial");
          const partial = outside.with({ cwd: join(folder, "partial") });
          const objects = ["rev-list", "--objects", "main", "v1"];
          assert.equal(await partial.run(...objects), await work.run(...objects));
          await partial.run("checkout", "-q", "v1");

          await served.run("fsck", "--strict", "--no-dangling");
        });
      }
    }
  }

  test("gets an archive over ssh", async (t) => {
    const forge = await startForge(t);
    const folder = temporaryDirectory(t);
    const work = await makeWorkTree(join(folder, "work"), "sha1");
    const url = `${forge.ssh}/project.git`;
    await work.run("push", "-q", url, "main");
    const archive = join(folder, "remote.tar");
    await work.run("archive", `--remote=${url}`, "-o", archive, "main");
    await work.run("archive", "-o", join(folder, "local.tar"), "main");
    const lines = await Promise.all(
      ["remote.tar", "local.tar"].map((name) =>
        new GitClient({ cwd: folder }).run("hash-object", "--no-filters", name),
      ),
    );
    assert.equal(lines[0], lines[1]);
  });
});
