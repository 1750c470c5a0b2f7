import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { temporaryDirectory } from "../../src/testing/git-repository.ts";
import { eventually, residentBytes } from "../../src/testing/processes.ts";
import { type Forge, startForge } from "./forge.ts";
import { GitClient } from "./git-client.ts";
import { addCommit, makeWorkTree } from "./work-tree.ts";

const MIB = 1024 * 1024;

/** How much a process may grow while a clone goes on, however large that is. */
const CLONE_GROWTH_BYTES_MAX = 64 * MIB;
/** The messages of a push are left to the garbage collector, which first lets 64 MB come together. */
const PUSH_GROWTH_BYTES_MAX = 96 * MIB;
/** How much more a process may keep after many transfers than it had before. */
const KEPT_BYTES_MAX = 128 * MIB;
const SETTLED_MS = 60_000;
const SAMPLE_MS = 20;

const NOISE_FILES = 8;
const NOISE_BYTES = 80 * MIB;

/** Commits files that nothing can compress; git shall not try either. */
async function commitNoise(git: GitClient, folder: string): Promise<void> {
  await git.run("config", "core.compression", "0");
  for (let index = 0; index < NOISE_FILES; index++) {
    writeFileSync(join(folder, `noise-${index}`), randomBytes(NOISE_BYTES / NOISE_FILES));
  }
  await git.run("add", ".");
  await addCommit(git, "noise");
}

/** By how much the forge's processes grow at most while `work` goes on. */
async function growthDuring(forge: Forge, work: () => Promise<unknown>): Promise<number> {
  const processes = [forge.serverPid(), forge.gatewayPid()].map((pid) => {
    return { pid, before: residentBytes(pid) };
  });
  let growth = 0;
  const sample = (): void => {
    for (const { pid, before } of processes) growth = Math.max(growth, residentBytes(pid) - before);
  };
  const timer = setInterval(sample, SAMPLE_MS);
  try {
    await work();
    sample();
  } finally {
    clearInterval(timer);
  }
  return growth;
}

async function makeNoisyWorkTree(t: TestContext): Promise<{ git: GitClient; folder: string }> {
  const folder = temporaryDirectory(t);
  const work = join(folder, "work");
  const git = await makeWorkTree(work, "sha1");
  return { git, folder };
}

suite("load", () => {
  for (const transport of ["http", "ssh"] as const) {
    test(`large pushes and clones over ${transport} go through little memory`, async (t) => {
      const forge = await startForge(t);
      const { git, folder } = await makeNoisyWorkTree(t);
      const url = `${forge[transport]}/noise.git`;
      // What the first transfers need anyway does not count.
      await git.run("push", "-q", url, "main");
      await git.run("clone", "-q", "--bare", url, join(folder, "warm"));
      await commitNoise(git, join(folder, "work"));

      const pushed = await growthDuring(forge, () => git.run("push", "-q", url, "main"));
      assert.ok(pushed < PUSH_GROWTH_BYTES_MAX, `grown by ${pushed} bytes during a push`);

      const served = new GitClient({ cwd: join(forge.storagePath, "noise.git") });
      await served.run("config", "core.compression", "0");
      const clone = () => git.run("clone", "-q", "--bare", url, join(folder, "clone"));
      const cloned = await growthDuring(forge, clone);
      assert.ok(cloned < CLONE_GROWTH_BYTES_MAX, `grown by ${cloned} bytes during a clone`);
      const copy = new GitClient({ cwd: join(folder, "clone") });
      assert.equal(await copy.run("rev-parse", "main"), await git.run("rev-parse", "main"));
    });
  }

  test("fifty clones at once finish, and their memory comes back", async (t) => {
    const forge = await startForge(t);
    const { git, folder } = await makeNoisyWorkTree(t);
    const url = `${forge.http}/project.git`;
    await git.run("push", "-q", url, "main");
    await git.run("clone", "-q", "--bare", url, join(folder, "warm"));
    const processes = [forge.serverPid(), forge.gatewayPid()];
    const before = processes.map(residentBytes);
    const tip = await git.run("rev-parse", "main");
    const clones = Array.from({ length: 50 }, async (_, index) => {
      const target = join(folder, `clone-${index}`);
      const origin = index % 2 === 0 ? url : `${forge.ssh}/project.git`;
      await git.run("clone", "-q", "--bare", origin, target);
      return new GitClient({ cwd: target }).run("rev-parse", "main");
    });
    for (const cloned of await Promise.all(clones)) assert.equal(cloned, tip);
    await eventually("memory comes back", SETTLED_MS, () =>
      processes.every((pid, index) => residentBytes(pid) < (before[index] ?? 0) + KEPT_BYTES_MAX),
    );
  });
});
