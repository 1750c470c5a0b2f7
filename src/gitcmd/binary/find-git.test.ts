import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { startTestSpawner } from "../../testing/process-helpers.ts";
import { GitNotFoundError } from "../git-runner.ts";
import { findHelperProgram } from "../spawn/helper-program.ts";
import { type FindGitOptions, findGit } from "./find-git.ts";

type Search = Pick<FindGitOptions, "binPath" | "environment">;

interface Setup {
  readonly folder: string;
  find(search: Search): Promise<string>;
  /** Makes a program that says what a git of that version says. */
  makeGit(path: string, version: string): string;
}

async function setUp(t: TestContext): Promise<Setup> {
  const spawner = await startTestSpawner(t, findHelperProgram());
  const folder = temporaryDirectory(t);
  return {
    folder,
    find: async (search) => (await findGit({ spawner, signal: t.signal, ...search })).path,
    makeGit: (path, version) => {
      const program = join(folder, path);
      mkdirSync(dirname(program), { recursive: true });
      writeFileSync(program, `#!/bin/sh\necho git version ${version}\n`, { mode: 0o755 });
      return program;
    },
  };
}

test("the configured git is taken, and no other looked at", async (t) => {
  const { folder, find, makeGit } = await setUp(t);
  const configured = makeGit("configured/git", "2.47.0");
  makeGit("path/git", "2.50.0");
  const environment = { PATH: join(folder, "path") };
  assert.equal(await find({ binPath: configured, environment }), configured);
  const old = makeGit("old/git", "2.46.9");
  await assert.rejects(find({ binPath: old, environment }), (error: unknown) => {
    assert.ok(error instanceof GitNotFoundError);
    assert.equal(
      error.message,
      `git 2.47 or newer is needed, but ${old} is version 2.46.9: set [git] bin_path to such a ` +
        "git, or remove it to use the one that tools/setup/git.sh builds",
    );
    return true;
  });
  await assert.rejects(find({ binPath: join(folder, "nothing"), environment }), /is no program/);
});

test("without configuration: the tests' git, the built one, the first good one of the path", async (t) => {
  const { folder, find, makeGit } = await setUp(t);
  const forTests = makeGit("tests/git", "2.60.0");
  const built = makeGit("cache/gitaly-ts/git/current/bin/git", "2.50.0");
  const ofHome = makeGit("home/.cache/gitaly-ts/git/current/bin/git", "2.51.0");
  makeGit("one/git", "2.39.5");
  const ofPath = makeGit("two/git", "2.48.0");
  const PATH = ["relative", join(folder, "empty"), join(folder, "one"), join(folder, "two")].join(
    ":",
  );
  const XDG_CACHE_HOME = join(folder, "cache");
  const HOME = join(folder, "home");
  const environment = { PATH, HOME, XDG_CACHE_HOME, GITALY_TESTING_GIT_BINARY: forTests };
  assert.equal(await find({ environment }), forTests);
  assert.equal(await find({ binPath: "", environment: { PATH, HOME, XDG_CACHE_HOME } }), built);
  assert.equal(await find({ environment: { PATH, HOME } }), ofHome);
  assert.equal(await find({ environment: { PATH } }), ofPath);
});

test("what isn't git or can't be run is passed over, and none at all says what to do", async (t) => {
  const { folder, find, makeGit } = await setUp(t);
  const broken = makeGit("broken/git", "; exit 3");
  writeFileSync(broken, "#!/bin/sh\nexit 3\n");
  const old = makeGit("old/git", "2.39.5");
  const PATH = `${join(folder, "broken")}:${join(folder, "old")}`;
  await assert.rejects(find({ environment: { PATH } }), {
    kind: "failed-precondition",
    message:
      `git 2.47 or newer is needed, but ${broken} is no git, ${old} is version 2.39.5: install ` +
      "such a git, set [git] bin_path, or build one with tools/setup/git.sh",
  });
  await assert.rejects(find({ environment: {} }), /but none was found: install such a git/);
});
