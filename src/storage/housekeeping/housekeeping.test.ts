import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { type LogFields, type Logger, silentLogger } from "../../base/log/logger.ts";
import { MetricRegistry } from "../../base/metric/metric-registry.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import { commitFiles } from "../../testing/commit-files.ts";
import { createTestRepository } from "../../testing/git-repository.ts";
import { startTestGitRunner } from "../../testing/test-git-runner.ts";
import type { LocatedRepository } from "../locator/repository-locator.ts";
import { Housekeeping } from "./housekeeping.ts";
import { HousekeepingMetrics } from "./housekeeping-metrics.ts";
import { planEverything, planSome } from "./optimization-plan.ts";

/** A repository with a commit, and housekeeping that notes which commands of git it runs. */
async function setUp(t: TestContext) {
  const repository = createTestRepository(t);
  repository.git(["update-ref", "refs/heads/main", commitFiles(repository, { a: "a" })]);
  const commands: string[] = [];
  const runner = await startTestGitRunner(t);
  const git: GitRunner = {
    run: (directory, command, options) => {
      commands.push(command.name);
      return runner.run(directory, command, options);
    },
    stream: (directory, command, options) => runner.stream(directory, command, options),
    start: (directory, command, options) => runner.start(directory, command, options),
    configOf: (command) => runner.configOf(command),
    version: () => runner.version(),
  };
  const metrics = new MetricRegistry();
  const lines = new Map<string, LogFields>();
  const logger: Logger = {
    ...silentLogger,
    info: (message, fields = {}) => lines.set(message, fields),
  };
  const housekeeping = new Housekeeping({
    git,
    logger,
    metrics: new HousekeepingMetrics(metrics, [1]),
  });
  const located: LocatedRepository = {
    path: repository.path,
    storageName: "default",
    storagePath: "/",
    relativePath: repository.path.slice(1),
    glRepository: "",
    glProjectPath: "",
  };
  return { repository, commands, metrics, housekeeping, located, lines };
}

test("a tidy repository costs no process", async (t) => {
  const { commands, metrics, housekeeping, located } = await setUp(t);
  await housekeeping.optimize(located, { signal: t.signal });
  assert.deepEqual(commands, ["repack", "commit-graph"]);
  await housekeeping.optimize(located, { signal: t.signal });
  assert.equal(commands.length, 2);
  const text = metrics.render();
  const task = (name: string, status: string): string =>
    `gitaly_housekeeping_tasks_total{housekeeping_task="${name}",status="${status}"}`;
  assert.ok(text.includes(`${task("total", "success")} 2\n`));
  assert.ok(text.includes(`${task("packed_objects_geometric", "success")} 1\n`));
  assert.ok(text.includes('existence_total{data_structure="multi_pack_index",exists="true"} 1\n'));
});

test("a glance tells whether there is anything to do", async (t) => {
  const { repository, commands, housekeeping, located, lines } = await setUp(t);
  const plan = planSome(["repack_objects"]);
  const look = () => housekeeping.optimizeIfNeeded(located, { signal: t.signal }, plan);
  await look();
  assert.deepEqual(commands, ["repack"]);
  lines.clear();
  await look();
  assert.equal(commands.length, 1);
  assert.equal(lines.size, 0);
  for (let count = 0; count < 30; count++) writeFileSync(`${located.path}/refs/${count}.lock`, "");
  await housekeeping.optimizeIfNeeded(located, { signal: t.signal }, planSome(["repack_refs"]));
  assert.equal(commands.length, 1);
  const blobs = Array.from({ length: 2000 }, (_, index) => `blob\ndata 4\n${index + 1000}\n`);
  repository.git(["-c", "fastimport.unpackLimit=10000", "fast-import", "--quiet"], {
    input: blobs.join(""),
  });
  await look();
  assert.deepEqual(commands.slice(1), ["pack-objects", "prune-packed"]);
});

test("packs are joined when bitmaps miss many writes", async (t) => {
  const { repository, commands, housekeeping, located } = await setUp(t);
  const optimize = () => housekeeping.optimize(located, { signal: t.signal });
  await housekeeping.optimize(located, { signal: t.signal }, planEverything);
  const before = commands.length;
  for (let count = 0; count < 199; count++) housekeeping.noteWrite(located);
  commitFiles(repository, { another: "x" });
  await optimize();
  assert.equal(commands.length, before);
  housekeeping.noteWrite(located);
  await optimize();
  assert.deepEqual(commands.slice(before), ["repack", "commit-graph"]);
  const bitmaps = readdirSync(`${located.path}/objects/pack`).filter((name) => /bitmap/.test(name));
  assert.equal(bitmaps.length, 1);
  commitFiles(repository, { third: "x" });
  await optimize();
  assert.equal(commands.length, before + 2);
});

test("the log tells what a repository was like, and for which call it was looked at", async (t) => {
  const { repository, housekeeping, located, lines } = await setUp(t);
  repository.git(["config", "remote.gone.url", "x"]);
  const logFields = { correlation_id: "c", "grpc.request.glProjectPath": "group/project" };
  await housekeeping.optimize(located, { signal: t.signal, logFields });
  const { repository_info: info, ...fields } = lines.get("repository info") ?? {};
  assert.deepEqual(fields, logFields);
  const { packfiles, loose_objects: loose, ...others }: LogFields = { ...Object(info) };
  assert.deepEqual(others, {
    is_object_pool: false,
    references: {
      loose_references_count: 1,
      packed_references_size: 0,
      reftable_tables: [],
      reference_backend: "files",
    },
    commit_graph: {
      exists: false,
      commit_graph_chain_length: 0,
      has_bloom_filters: false,
      has_generation_data: false,
      has_generation_data_overflow: false,
    },
    alternates: {
      exists: false,
      object_directories: [],
      last_modified: "0001-01-01T00:00:00Z",
    },
  });
  assert.equal(Object(loose).count, 3);
  assert.equal(Object(packfiles).last_full_repack, "0001-01-01T00:00:00Z");
  assert.equal(lines.get("optimized repository")?.["correlation_id"], "c");
  assert.equal(lines.get("removed files")?.["grpc.request.glProjectPath"], "group/project");
});

test("only one at a time works on a repository", async (t) => {
  const { commands, housekeeping, located } = await setUp(t);
  const first = housekeeping.optimize(located, { signal: t.signal }, planEverything);
  await housekeeping.optimize(located, { signal: t.signal }, planEverything);
  await first;
  assert.deepEqual(commands, ["repack", "prune", "pack-refs", "commit-graph"]);
});

test("housekeeping that is cancelled leaves a whole repository, and may begin again", async (t) => {
  const { repository, housekeeping, located } = await setUp(t);
  const ending = new AbortController();
  const running = housekeeping.optimize(located, { signal: ending.signal }, planEverything);
  ending.abort();
  await assert.rejects(running, { name: "AbortError" });
  assert.equal(repository.git(["fsck", "--strict"]).length, 0);
  await housekeeping.optimize(located, { signal: t.signal }, planEverything);
  assert.equal(repository.git(["fsck", "--strict"]).length, 0);
});
