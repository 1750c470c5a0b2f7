import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, renameSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { MetricRegistry } from "../../base/metric/metric-registry.ts";
import {
  createTestRepository,
  runTestGit,
  type TestRepository,
} from "../../testing/git-repository.ts";
import { until } from "../../testing/process-helpers.ts";
import { gitDirectory, startTestGitRunner } from "../../testing/test-git-runner.ts";
import { CommandUsage } from "../command-usage.ts";
import type { GitDirectory } from "../git-directory.ts";
import { GitExitError } from "../git-runner.ts";
import { CatfilePool, type CatfilePoolOptions } from "./catfile-pool.ts";
import { AmbiguousRevisionError } from "./catfile-process.ts";

interface Setup {
  readonly pool: CatfilePool;
  readonly repository: TestRepository;
  readonly directory: GitDirectory;
  readonly options: { readonly signal: AbortSignal };
  /** The value of one line of the metrics. */
  metric(line: string): number;
}

async function setUp(
  t: TestContext,
  changes: Partial<CatfilePoolOptions> & { readonly format?: "sha1" | "sha256" } = {},
): Promise<Setup> {
  const { format = "sha1", ...options } = changes;
  const metrics = new MetricRegistry();
  const git = await startTestGitRunner(t);
  const pool = new CatfilePool({ git, metrics, ...options });
  t.after(() => pool[Symbol.asyncDispose]());
  const repository = createTestRepository(t, { format });
  return {
    pool,
    repository,
    directory: gitDirectory(repository),
    options: { signal: t.signal },
    metric: (line) => {
      const found = metrics
        .render()
        .split("\n")
        .find((text) => text.startsWith(`${line} `));
      return Number(found?.slice(line.length));
    },
  };
}

function writeBlob(repository: TestRepository, content: string | Buffer): string {
  return repository.gitLine(["hash-object", "-w", "--stdin"], { input: content });
}

/** A tree with the blob at the path, and a commit of it on main. */
function commitFile(repository: TestRepository, path: string | Buffer, blob: string): void {
  const parts = [Buffer.from(`100644 blob ${blob}\t`), Buffer.from(path), Buffer.alloc(1)];
  const tree = repository.gitLine(["mktree", "-z"], { input: Buffer.concat(parts) });
  const commit = repository.gitLine(["commit-tree", "-m", "message", tree]);
  repository.git(["update-ref", "refs/heads/main", commit]);
}

async function read(content: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const PROCESSES = "gitaly_catfile_processes_total";
const RUNNING = "gitaly_catfile_processes";

suite("answers", () => {
  for (const format of ["sha1", "sha256"] as const) {
    test(`info and content are those of git (${format})`, async (t) => {
      const { pool, repository, directory, options } = await setUp(t, { format });
      const content = Buffer.from("line\n\0binary\xff", "latin1");
      commitFile(repository, "file", writeBlob(repository, content));
      for (const revision of ["HEAD", "HEAD^{tree}", "main:file", "refs/heads/main~0"]) {
        const oid = repository.gitLine(["rev-parse", revision]);
        const type = repository.gitLine(["cat-file", "-t", revision]);
        const bytes = repository.git(["cat-file", type, revision]);
        const expected = { oid, type, size: bytes.length };
        assert.deepEqual(await pool.objectInfo(directory, revision, options), expected);
        const object = await pool.object(directory, revision, options);
        assert.ok(object);
        assert.deepEqual({ oid: object.oid, type: object.type, size: object.size }, expected);
        assert.deepEqual(await read(object.content), bytes);
      }
    });
  }

  test("an object without content has none", async (t) => {
    const { pool, repository, directory, options } = await setUp(t);
    const object = await pool.object(directory, writeBlob(repository, ""), options);
    assert.ok(object);
    assert.equal(object.size, 0);
    assert.equal((await read(object.content)).length, 0);
    assert.equal((await pool.objectInfo(directory, object.oid, options))?.size, 0);
  });

  test("a missing object is none, whatever its name looks like", async (t) => {
    const { pool, repository, directory, options, metric } = await setUp(t);
    const blob = writeBlob(repository, "x");
    const names = [
      "nothing",
      "a missing",
      `${blob} blob 1`,
      "a\ncontents HEAD",
      "",
      " ",
      "x ambiguous",
    ];
    for (const name of names) {
      assert.equal(await pool.objectInfo(directory, name, options), undefined, name);
      assert.equal(await pool.object(directory, name, options), undefined, name);
    }
    assert.equal(await pool.objectInfo(directory, "y".repeat(100_000), options), undefined);
    assert.equal(metric(PROCESSES), 1);
  });

  test("names may hold any bytes but NUL", async (t) => {
    const { pool, repository, directory, options } = await setUp(t);
    const blob = writeBlob(repository, "x");
    const path = Buffer.from("a\nb \xff missing", "latin1");
    commitFile(repository, path, blob);
    const revision = Buffer.concat([Buffer.from("main:"), path]);
    assert.equal((await pool.objectInfo(directory, revision, options))?.oid, blob);
    await assert.rejects(pool.objectInfo(directory, "HEAD\0info main", options), {
      kind: "invalid-argument",
      message: "revision must not contain NUL bytes",
    });
  });

  test("the beginning of several ids is an error, and does no harm", async (t) => {
    const { pool, repository, directory, options, metric } = await setUp(t);
    const oids = Array.from({ length: 400 }, (_, index) => writeBlob(repository, `blob ${index}`));
    const beginnings = oids.map((oid) => oid.slice(0, 4));
    const twice = beginnings.find((text, index) => beginnings.indexOf(text) !== index);
    assert.ok(twice);
    await assert.rejects(pool.objectInfo(directory, twice, options), (error: unknown) => {
      assert.ok(error instanceof AmbiguousRevisionError);
      assert.equal(error.message, `invalid info line: "${twice} ambiguous"`);
      return true;
    });
    assert.equal((await pool.objectInfo(directory, oids[0] ?? "", options))?.oid, oids[0]);
    assert.equal(metric(PROCESSES), 1);
  });

  test("a submodule's commit is none", async (t) => {
    const { pool, repository, directory, options } = await setUp(t);
    const entry = `160000 commit ${"1".repeat(40)}\tmodule\n`;
    const tree = repository.gitLine(["mktree", "--missing"], { input: entry });
    assert.equal(await pool.objectInfo(directory, `${tree}:module`, options), undefined);
  });

  test("names in commits follow the mailmap when asked to", async (t) => {
    const { pool, repository, directory, options } = await setUp(t);
    const mailmap = "New Name <new@example.com> A U Thor <author@example.com>\n";
    commitFile(repository, ".mailmap", writeBlob(repository, mailmap));
    const authors = [];
    for (const mailmap of [true, false]) {
      const object = await pool.object(directory, "HEAD", { ...options, mailmap });
      assert.ok(object);
      authors.push(/author (.*)>/.exec((await read(object.content)).toString())?.[1]);
    }
    assert.deepEqual(authors, ["New Name <new@example.com", "A U Thor <author@example.com"]);
  });

  test("git's failure is told with its complaint", async (t) => {
    const { pool, repository, directory, options } = await setUp(t);
    const oid = writeBlob(repository, randomBytes(100_000));
    const path = join(repository.path, "objects", oid.slice(0, 2), oid.slice(2));
    chmodSync(path, 0o644);
    truncateSync(path, 50_000);
    const reading = pool.object(directory, oid, options).then((object) => {
      assert.ok(object);
      return read(object.content);
    });
    await assert.rejects(reading, (error: unknown) => {
      assert.ok(error instanceof GitExitError);
      assert.match(error.stderr, /^fatal: /);
      return true;
    });
    const none = { path: join(repository.path, "nowhere") };
    await assert.rejects(pool.objectInfo(none, "HEAD", options), GitExitError);
  });
});

suite("many at once", () => {
  test("answers come in order, missing ones between", async (t) => {
    const { pool, repository, directory, options, metric } = await setUp(t);
    const oids = Array.from({ length: 300 }, (_, index) => writeBlob(repository, `blob ${index}`));
    const asked = oids.flatMap((oid, index) => (index % 7 === 0 ? ["nothing", oid] : [oid]));
    const infos: (string | undefined)[] = [];
    for await (const info of pool.objectInfos(directory, asked, options)) infos.push(info?.oid);
    assert.deepEqual(
      infos,
      asked.map((name) => (name === "nothing" ? undefined : name)),
    );
    const contents: string[] = [];
    async function* coming(): AsyncGenerator<string> {
      yield* oids;
    }
    for await (const object of pool.objects(directory, coming(), options)) {
      assert.ok(object);
      contents.push((await read(object.content)).toString());
    }
    assert.deepEqual(
      contents,
      oids.map((_, index) => `blob ${index}`),
    );
    assert.equal(metric(PROCESSES), 1);
  });

  test("what isn't read of an object is skipped", async (t) => {
    const { pool, repository, directory, options, metric } = await setUp(t);
    const large = writeBlob(repository, Buffer.alloc(3 << 20, "x"));
    const small = writeBlob(repository, "small");
    const seen: string[] = [];
    for await (const object of pool.objects(directory, [large, large, small], options)) {
      assert.ok(object);
      if (object.oid === large) for await (const _ of object.content) break;
      else seen.push((await read(object.content)).toString());
    }
    assert.deepEqual(seen, ["small"]);
    assert.equal(metric(PROCESSES), 1);
  });

  test("nothing asked for is nothing", async (t) => {
    const { pool, directory, options } = await setUp(t);
    for await (const _ of pool.objectInfos(directory, [], options)) assert.fail();
  });
});

suite("processes", () => {
  test("one is used again by the next call, calls at once have one each", async (t) => {
    const { pool, repository, directory, options, metric } = await setUp(t);
    const oid = writeBlob(repository, "x");
    const ask = () => pool.objectInfo(directory, oid, options);
    await ask();
    await ask();
    assert.equal(metric(PROCESSES), 1);
    await Promise.all([ask(), ask(), ask()]);
    assert.equal(metric(PROCESSES), 3);
    await Promise.all([ask(), ask(), ask()]);
    assert.equal(metric(PROCESSES), 3);
    assert.equal(metric('gitaly_catfile_cache_total{type="hit"}'), 5);
    assert.equal(metric('gitaly_catfile_cache_total{type="miss"}'), 3);
    assert.equal(metric('gitaly_catfile_cache_members{type="object_reader_without_mailmap"}'), 3);
    assert.equal(metric('gitaly_catfile_lookups_total{type="info"}'), 8);
  });

  test("a quarantine has a process of its own", async (t) => {
    const { pool, repository, directory, options, metric } = await setUp(t);
    const objectDirectory = join(repository.path, "objects/incoming");
    mkdirSync(objectDirectory);
    const alternate = join(repository.path, "objects");
    const quarantined = { ...directory, objectDirectory, alternateObjectDirectories: [alternate] };
    const env = {
      GIT_OBJECT_DIRECTORY: objectDirectory,
      GIT_ALTERNATE_OBJECT_DIRECTORIES: alternate,
    };
    const oid = repository.gitLine(["hash-object", "-w", "--stdin"], { input: "secret", env });
    assert.equal((await pool.objectInfo(quarantined, oid, options))?.oid, oid);
    assert.equal(await pool.objectInfo(directory, oid, options), undefined);
    assert.equal(metric(PROCESSES), 2);
  });

  test("another repository at the same path has a process of its own", async (t) => {
    const { pool, repository, directory, options, metric } = await setUp(t);
    const oid = writeBlob(repository, "x");
    assert.equal((await pool.objectInfo(directory, oid, options))?.oid, oid);
    renameSync(repository.path, `${repository.path}.old`);
    runTestGit(["init", "--quiet", "--bare", repository.path], {});
    assert.equal(await pool.objectInfo(directory, oid, options), undefined);
    assert.equal(metric(PROCESSES), 2);
  });

  test("new objects are seen by a process that runs", async (t) => {
    const { pool, repository, directory, options, metric } = await setUp(t);
    assert.equal(await pool.objectInfo(directory, "main:file", options), undefined);
    const oid = writeBlob(repository, "x");
    commitFile(repository, "file", oid);
    repository.git(["repack", "-adq"]);
    repository.git(["prune-packed"]);
    assert.equal((await pool.objectInfo(directory, "main:file", options))?.oid, oid);
    assert.equal(metric(PROCESSES), 1);
  });

  test("one that waits too long is ended", async (t) => {
    const { pool, directory, options, metric } = await setUp(t, { idleMs: 1 });
    await pool.objectInfo(directory, "HEAD", options);
    await until(() => metric(RUNNING) === 0);
    assert.equal(await pool.objectInfo(directory, "HEAD", options), undefined);
  });

  test("the one that has waited longest makes room", async (t) => {
    const { pool, repository, options, metric } = await setUp(t, { cacheSize: 2 });
    const others = [repository, createTestRepository(t), createTestRepository(t)];
    for (const other of others) await pool.objectInfo(gitDirectory(other), "HEAD", options);
    await until(() => metric(RUNNING) === 2);
    await pool.objectInfo(gitDirectory(others[2] ?? repository), "HEAD", options);
    await pool.objectInfo(gitDirectory(others[1] ?? repository), "HEAD", options);
    assert.equal(metric(PROCESSES), 3);
  });

  test("an aborted call rejects with its reason and takes only its own process along", async (t) => {
    const { pool, repository, directory, options, metric } = await setUp(t);
    const large = writeBlob(repository, Buffer.alloc(20 << 20, "x"));
    const reason = new Error("call was cancelled");
    const aborted = AbortSignal.abort(reason);
    await assert.rejects(pool.objectInfo(directory, "HEAD", { signal: aborted }), reason);
    const controller = new AbortController();
    const object = await pool.object(directory, large, { signal: controller.signal });
    assert.ok(object);
    await object.content.next();
    controller.abort(reason);
    await assert.rejects(read(object.content), reason);
    await until(() => metric(RUNNING) === 0);
    const again = await pool.object(directory, large, options);
    assert.ok(again);
    assert.equal((await read(again.content)).length, 20 << 20);
  });

  test("an object of which much is unread takes its process along, little is read", async (t) => {
    const { pool, repository, directory, options, metric } = await setUp(t);
    const large = writeBlob(repository, Buffer.alloc(20 << 20, "x"));
    const small = writeBlob(repository, "small");
    for (const oid of [small, small, large]) {
      await using object = await pool.object(directory, oid, options);
      assert.equal(object?.oid, oid);
    }
    assert.equal(metric(PROCESSES), 1);
    assert.equal(metric('gitaly_catfile_cache_total{type="dirty"}'), 1);
    await until(() => metric(RUNNING) === 0);
    assert.equal((await pool.objectInfo(directory, small, options))?.size, 5);
    assert.equal(metric(PROCESSES), 2);
  });

  test("leaving a loop early takes the process along", async (t) => {
    const { pool, repository, directory, options, metric } = await setUp(t);
    const oid = writeBlob(repository, "x");
    for await (const info of pool.objectInfos(directory, [oid, oid, oid], options)) {
      assert.equal(info?.oid, oid);
      break;
    }
    assert.equal(metric(RUNNING), 0);
  });

  test("disposing the pool ends all of them", async (t) => {
    const { pool, repository, directory, options, metric } = await setUp(t);
    const oid = writeBlob(repository, Buffer.alloc(20 << 20, "x"));
    const object = await pool.object(directory, oid, options);
    await pool.objectInfo(directory, oid, options);
    assert.equal(metric(RUNNING), 2);
    await pool[Symbol.asyncDispose]();
    assert.equal(metric(RUNNING), 0);
    assert.ok(object);
    await assert.rejects(read(object.content));
    await assert.rejects(pool.objectInfo(directory, oid, options));
  });

  test("the call's counters tell what was asked", async (t) => {
    const { pool, repository, directory, options } = await setUp(t);
    const usage = new CommandUsage({ service: "gitaly.BlobService", method: "GetBlob" });
    const oid = writeBlob(repository, "x");
    await pool.objectInfo(directory, oid, { ...options, usage });
    const object = await pool.object(directory, oid, { ...options, usage });
    await object?.content.next();
    const fields = usage.fields();
    for (const name of ["request_info", "read_info", "request_object", "read_object"]) {
      assert.equal(fields[`catfile.${name}_count`], 1, name);
    }
    assert.equal(fields["catfile.flush_count"], 2);
  });
});
