import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { silentLogger } from "../../../base/log/logger.ts";
import { MetricRegistry } from "../../../base/metric/metric-registry.ts";
import { RepositoryCache } from "../../../git/repository/repository-cache.ts";
import { SmartHTTPService } from "../../../proto/smarthttp_pb.ts";
import type { BundleStore } from "../../../storage/bundle-uri/bundle-store.ts";
import { RepositoryLocator } from "../../../storage/locator/repository-locator.ts";
import {
  openTestRepository,
  runTestGit,
  temporaryDirectory,
} from "../../../testing/git-repository.ts";
import { testCall } from "../../../testing/server-call.ts";
import { writeCommit } from "../../../testing/test-commits.ts";
import { startTestGitRunner } from "../../../testing/test-git-runner.ts";
import { BundleUris, bundleUriOptions, fetchedBundleUriOptions } from "./bundle-uris.ts";

const METHOD = SmartHTTPService.method.postUploadPackWithSidechannel;
const BUNDLING = { "gitaly-feature-bundle-generation": "true" };
const OFFERING = { "gitaly-feature-bundle-uri": "true" };
const NOTHING = [{ key: "uploadpack.advertiseBundleURIs", value: "false" }];

const call = (metadata: Readonly<Record<string, string>> = {}) => testCall(METHOD, { metadata });

/** Keeps names of bundles; writing one waits until it is let go. */
class HeldStore implements BundleStore {
  readonly stored = new Map<string, number>();
  readonly begun: string[] = [];
  gate: Promise<unknown> = Promise.resolve();
  onStored: () => void = () => undefined;

  async write(path: string, pieces: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    this.begun.push(path);
    let size = 0;
    for await (const piece of pieces) size += piece.length;
    await this.gate;
    signal.throwIfAborted();
    this.stored.set(path, size);
    this.onStored();
  }

  exists(path: string): Promise<boolean> {
    return Promise.resolve(this.stored.has(path));
  }

  signedUrl(path: string, lifetimeMs: number): Promise<string> {
    return Promise.resolve(`http://h/${path}?${lifetimeMs}`);
  }
}

async function scene(t: TestContext, store: BundleStore) {
  const git = await startTestGitRunner(t);
  const repositories = new RepositoryCache();
  t.after(() => repositories.close());
  const metrics = new MetricRegistry();
  const folder = temporaryDirectory(t);
  const locator = new RepositoryLocator(new Map([["default", folder]]));
  const repository = (name: string) => {
    runTestGit(["init", "--quiet", "--bare", "-b", "main", `${folder}/${name}`], {});
    writeCommit(openTestRepository(`${folder}/${name}`, "sha1"), { ref: "refs/heads/main" });
    return locator.locate({ storageName: "default", relativePath: name });
  };
  const bundleUris = new BundleUris({ store, git, repositories, metrics, logger: silentLogger });
  t.after(() => bundleUris[Symbol.asyncDispose]());
  return { bundleUris, repository, metrics };
}

function settled(store: HeldStore): Promise<void> {
  return new Promise((resolve) => {
    store.onStored = resolve;
  });
}

test("BundleUris offers a bundle that is there to clients with the feature", async (t) => {
  const store = new HeldStore();
  const { bundleUris, repository } = await scene(t, store);
  const located = repository("a.git");
  assert.deepEqual(await bundleUris.uploadPackConfig(located, call(OFFERING)), NOTHING);
  await bundleUris.generate(located, call());
  assert.deepEqual([...store.stored.keys()], ["default/a.git/uri/default.bundle"]);
  assert.deepEqual(await bundleUris.uploadPackConfig(located, call()), NOTHING);
  assert.deepEqual(await bundleUris.uploadPackConfig(located, call(OFFERING)), [
    { key: "bundle.version", value: "1" },
    { key: "bundle.mode", value: "all" },
    { key: "bundle.heuristic", value: "creationToken" },
    { key: "bundle.default.uri", value: "http://h/default/a.git/uri/default.bundle?600000" },
    { key: "bundle.default.creationToken", value: "1" },
    { key: "uploadpack.advertiseBundleURIs", value: "true" },
  ]);
});

test("BundleUris offers nothing when the place for bundles fails", async (t) => {
  const store = new HeldStore();
  store.exists = () => Promise.reject(new Error("unreachable"));
  const { bundleUris, repository } = await scene(t, store);
  const located = repository("a.git");
  assert.deepEqual(await bundleUriOptions(bundleUris, located, call(OFFERING)), NOTHING);
  assert.deepEqual(await bundleUriOptions(undefined, located, call(OFFERING)), NOTHING);
});

test("BundleUris makes a bundle when a repository is fetched from often", async (t) => {
  const store = new HeldStore();
  const { bundleUris, repository, metrics } = await scene(t, store);
  const located = repository("a.git");
  const fetch = (metadata = BUNDLING) =>
    fetchedBundleUriOptions(bundleUris, located, call(metadata));
  for (let count = 0; count < 6; count++)
    await fetchedBundleUriOptions(bundleUris, located, call());
  const stored = settled(store);
  for (let count = 0; count < 4; count++) await fetch();
  assert.deepEqual(store.begun, []);
  await fetch();
  await stored;
  const [size] = store.stored.values();
  assert.ok(size);
  for (let count = 0; count < 6; count++) await fetch();
  await bundleUris[Symbol.asyncDispose]();
  assert.equal(store.begun.length, 1);
  const text = metrics.render();
  assert.match(text, new RegExp(`^gitaly_bundle_generation_bytes_total ${size}$`, "m"));
  assert.match(text, /^gitaly_bundle_generation_seconds_count 1$/m);
  assert.match(text, /^gitaly_bundle_strategy_occurrence_state_len 1$/m);
});

test("BundleUris makes five bundles at once, and one waits", async (t) => {
  const store = new HeldStore();
  const { promise, resolve } = Promise.withResolvers<void>();
  store.gate = promise;
  const { bundleUris, repository } = await scene(t, store);
  const names = ["a", "b", "c", "d", "e", "f", "g"];
  for (const name of names) {
    const located = repository(name);
    for (let count = 0; count < 5; count++) bundleUris.noteFetch(located, call(BUNDLING));
  }
  const all = new Promise<void>((done) => {
    store.onStored = () => {
      if (store.stored.size === 6) done();
    };
  });
  resolve();
  await all;
  await bundleUris[Symbol.asyncDispose]();
  const made = [...store.stored.keys()].toSorted();
  assert.deepEqual(
    made,
    names.slice(0, 6).map((name) => `default/${name}/uri/default.bundle`),
  );
});

test("BundleUris ends what it makes when it is disposed of", async (t) => {
  const store = new HeldStore();
  const { bundleUris, repository } = await scene(t, store);
  const located = repository("a.git");
  const { promise, resolve } = Promise.withResolvers<void>();
  store.gate = promise;
  for (let count = 0; count < 5; count++) bundleUris.noteFetch(located, call(BUNDLING));
  const ended = bundleUris[Symbol.asyncDispose]();
  resolve();
  await ended;
  assert.equal(store.stored.size, 0);
  await assert.rejects(bundleUris.generate(located, call()));
});
