import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { RepositoryService } from "../../src/proto/repository_pb.ts";
import { dial } from "../../src/rpc/client/channel.ts";
import { createClient } from "../../src/rpc/client/client.ts";
import { findTestGit, temporaryDirectory } from "../../src/testing/git-repository.ts";
import { pathsBelow } from "../../src/testing/paths-below.ts";
import { eventually, gitProcesses } from "../../src/testing/processes.ts";
import { type Forge, startForge } from "./forge.ts";
import { GitClient } from "./git-client.ts";
import { addCommit, makeWorkTree } from "./work-tree.ts";

/** When to give up waiting for what a client that has gone away leaves to end. */
const GONE_MS = 60_000;

/** A repository whose clone takes a while: incompressible blobs. */
async function makeLargeRepository(t: TestContext, forge: Forge): Promise<string> {
  const folder = temporaryDirectory(t);
  const work = await makeWorkTree(join(folder, "work"), "sha1");
  const path = join(folder, "work");
  for (let index = 0; index < 8; index++) {
    writeFileSync(join(path, `noise-${index}`), randomBytes(4 * 1024 * 1024));
  }
  await work.run("add", ".");
  await work.run("commit", "-q", "-m", "noise");
  await work.run("push", "-q", `${forge.http}/large.git`, "main");
  return "large.git";
}

/** Starts `git clone` and stops it as soon as bytes of the pack arrive. */
async function abandonedClone(url: string, target: string): Promise<ChildProcess> {
  const child = spawn(findTestGit(), ["clone", "--progress", url, target], {
    env: {
      PATH: process.env["PATH"],
      HOME: "/nonexistent",
      GIT_SSH_COMMAND:
        "ssh -F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR",
    },
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
  });
  for await (const chunk of child.stderr as AsyncIterable<Buffer>) {
    if (/Receiving objects/.test(chunk.toString())) break;
  }
  return child;
}

suite("interrupted transfers", () => {
  for (const transport of ["http", "ssh"] as const) {
    test(`no git process outlives a clone over ${transport} that is cancelled`, async (t) => {
      const forge = await startForge(t);
      const name = await makeLargeRepository(t, forge);
      const server = forge.serverPid();
      for (let round = 0; round < 3; round++) {
        const target = join(temporaryDirectory(t), "clone");
        const child = await abandonedClone(`${forge[transport]}/${name}`, target);
        const exited = once(child, "exit");
        process.kill(-(child.pid ?? 0), "SIGKILL");
        await exited;
        await eventually("git is gone", GONE_MS, () => gitProcesses(server).length === 0);
      }
      await new GitClient().run("ls-remote", `${forge[transport]}/${name}`);
    });
  }

  test("acknowledged pushes survive a server that is killed", async (t) => {
    const forge = await startForge(t);
    const folder = temporaryDirectory(t);
    const url = `${forge.http}/project.git`;
    const base = await makeWorkTree(join(folder, "work"), "sha1");
    await base.run("push", "-q", url, "main");
    const acknowledged = new Map<string, string>();
    for (let round = 0; round < 2; round++) {
      const pushes = Array.from({ length: 20 }, async (_, index) => {
        const clone = join(folder, `clone-${round}-${index}`);
        await base.run("clone", "-q", join(folder, "work"), clone);
        const git = new GitClient({ cwd: clone });
        const tip = await addCommit(git, `push ${round} ${index}`);
        const branch = `refs/heads/branch-${round}-${index}`;
        const { status } = await git.attempt("push", "-q", url, `HEAD:${branch}`);
        if (status === 0) acknowledged.set(branch, tip);
      });
      const before = acknowledged.size;
      await eventually("some push is through", 60_000, () => acknowledged.size > before + 2);
      await forge.kill();
      await Promise.all(pushes);
      await forge.start();
      const served = new GitClient({ cwd: join(forge.storagePath, "project.git") });
      const refs = await served.run("for-each-ref", "--format=%(refname) %(objectname)");
      const found = new Map(refs.split("\n").map((line) => line.split(" ") as [string, string]));
      for (const [branch, tip] of acknowledged) assert.equal(found.get(branch), tip, branch);
      await served.run("fsck", "--strict", "--no-dangling", "--connectivity-only");
      const work = new GitClient({ cwd: join(folder, "work") });
      await work.run("push", "-q", url, `main:refs/heads/after-${round}`);
    }
    const path = join(forge.storagePath, "project.git");
    const locks = (): string[] => pathsBelow(path).filter((name) => name.endsWith(".lock"));
    await using channel = dial(forge.grpcAddress);
    const repositories = createClient(RepositoryService, channel);
    // What a killed push has locked is taken over by whoever wants it, or tidied away.
    await eventually("no lock stays", 60_000, async () => {
      await repositories.optimizeRepository({
        repository: { storageName: "default", relativePath: "project.git" },
      });
      return locks().length === 0;
    });
  });
});
