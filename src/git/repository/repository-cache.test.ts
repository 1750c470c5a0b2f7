import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  createTestRepository,
  runTestGit,
  type TestRepository,
  temporaryDirectory,
} from "../../testing/git-repository.ts";
import { CorruptConfigError } from "../config/git-config.ts";
import { parseOid } from "../oid/oid.ts";
import { ReaderResources } from "../pack/reader-resources.ts";
import { parseRefName } from "../ref/ref-name.ts";
import type { GitRepository } from "./git-repository.ts";
import { RepositoryCache } from "./repository-cache.ts";
import { RepositoryMissingError, UnsupportedRepositoryError } from "./repository-format.ts";

function commit(repository: TestRepository, message: string): string {
  const tree = repository.gitLine(["hash-object", "-t", "tree", "-w", "--stdin"]);
  const oid = repository.gitLine(["commit-tree", tree, "-m", message]);
  repository.git(["update-ref", "refs/heads/main", oid]);
  repository.git(["repack", "-adq"]);
  return oid;
}

/** The message of the commit that the main branch points at. */
function mainMessage(repository: GitRepository): string {
  const name = parseRefName("refs/heads/main");
  assert.ok(name);
  const oid = repository.refs.findOid(name);
  const content = oid === undefined ? "" : (repository.objects.read(oid)?.content ?? "");
  return content.toString().split("\n\n")[1]?.trim() ?? "";
}

for (const format of ["sha1", "sha256"] as const) {
  for (const refFormat of ["files", "reftable"] as const) {
    test(`a ${format} repository with ${refFormat} is opened once and read again`, (t) => {
      const made = createTestRepository(t, { format, refFormat });
      commit(made, "first");
      const cache = new RepositoryCache();
      t.after(() => cache.close());
      const repository = cache.open(made.path);
      assert.equal(repository.objectFormat, format);
      assert.equal(repository.refFormat, refFormat);
      assert.equal(mainMessage(repository), "first");
      assert.equal(cache.open(made.path), repository);
      commit(made, "second");
      assert.equal(mainMessage(cache.open(made.path)), "second");
    });
  }
}

test("a repository that was removed, or put in another's place, is noticed", (t) => {
  const path = join(temporaryDirectory(t), "repository.git");
  const cache = new RepositoryCache();
  t.after(() => cache.close());
  const init = (format: "sha1" | "sha256", message: string): void => {
    const made = createTestRepository(t, { format });
    commit(made, message);
    runTestGit(["clone", "-q", "--mirror", made.path, path], {});
  };
  assert.throws(() => cache.open(path), RepositoryMissingError);
  init("sha1", "first");
  assert.equal(mainMessage(cache.open(path)), "first");
  rmSync(path, { recursive: true });
  assert.throws(() => cache.open(path), RepositoryMissingError);
  assert.equal(cache.size, 0);
  init("sha256", "second");
  assert.equal(cache.open(path).objectFormat, "sha256");
  assert.equal(mainMessage(cache.open(path)), "second");
  rmSync(path, { recursive: true });
  init("sha1", "third");
  assert.equal(mainMessage(cache.open(path)), "third");
});

test("a changed configuration is read again", (t) => {
  const made = createTestRepository(t);
  const cache = new RepositoryCache();
  t.after(() => cache.close());
  assert.equal(cache.open(made.path).config.getBoolean("gc.auto"), undefined);
  appendFileSync(join(made.path, "config"), "[gc]\nauto = yes\n");
  assert.equal(cache.open(made.path).config.getBoolean("gc.auto"), true);
});

test("a repository that can't be understood is refused", (t) => {
  const path = temporaryDirectory(t);
  const cache = new RepositoryCache();
  assert.throws(() => cache.open(path), RepositoryMissingError);
  writeFileSync(join(path, "config"), "[extensions]\nobjectFormat = md5\n");
  assert.throws(() => cache.open(path), UnsupportedRepositoryError);
  writeFileSync(join(path, "config"), "[extensions]\nrefStorage = sqlite\n");
  assert.throws(() => cache.open(path), UnsupportedRepositoryError);
  writeFileSync(join(path, "config"), "[extensions\n");
  assert.throws(() => cache.open(path), CorruptConfigError);
  assert.equal(cache.size, 0);
});

test("files and repositories are bounded over all of them", (t) => {
  const limits = { descriptorsMax: 3, indexBytesMax: 1_000_000, contentBytesMax: 1_000_000 };
  const resources = new ReaderResources(limits);
  const cache = new RepositoryCache(resources, 4);
  const made = Array.from({ length: 6 }, (_, i) => {
    const repository = createTestRepository(t);
    commit(repository, `repository ${i}`);
    return repository;
  });
  for (let round = 0; round < 2; round++) {
    for (const [i, { path }] of made.entries()) {
      assert.equal(mainMessage(cache.open(path)), `repository ${i}`);
      assert.ok(resources.files.descriptors <= 3);
      assert.ok(cache.size <= 4);
    }
  }
  cache.close();
  assert.equal(resources.files.descriptors, 0);
  assert.equal(resources.contents.bytes + resources.slices.bytes, 0);
});

test("repositories with the same object pool share what is known of it", (t) => {
  const pool = createTestRepository(t);
  const oid = parseOid(commit(pool, "pooled"));
  assert.ok(oid);
  const resources = new ReaderResources();
  const cache = new RepositoryCache(resources);
  const forks = Array.from({ length: 3 }, () => {
    const fork = createTestRepository(t);
    writeFileSync(join(fork.path, "objects/info/alternates"), `${pool.path}/objects\n`);
    return fork.path;
  });
  for (const path of forks) assert.ok(cache.open(path).objects.read(oid));
  // The pool's pack and its index, once.
  assert.equal(resources.files.descriptors, 2);
  const [first = "", ...others] = forks;
  cache.forget(first);
  assert.equal(resources.files.descriptors, 2);
  for (const path of others) cache.forget(path);
  assert.equal(resources.files.descriptors, 0);
});

test("a quarantine sees what the repository doesn't see yet", (t) => {
  const made = createTestRepository(t);
  commit(made, "accepted");
  const objectDirectory = join(temporaryDirectory(t), "incoming");
  mkdirSync(objectDirectory);
  const objects = join(made.path, "objects");
  const env = { GIT_OBJECT_DIRECTORY: objectDirectory, GIT_ALTERNATE_OBJECT_DIRECTORIES: objects };
  const oid = parseOid(made.gitLine(["hash-object", "-w", "--stdin"], { input: "new", env }));
  assert.ok(oid);
  const cache = new RepositoryCache();
  const inside = cache.openQuarantine(made.path, { objectDirectory, alternates: [objects] });
  t.after(() => {
    inside.close();
    cache.close();
  });
  assert.equal(inside.objects.read(oid)?.content.toString(), "new");
  assert.equal(mainMessage(inside), "accepted");
  assert.equal(cache.open(made.path).objects.has(oid), false);
});
