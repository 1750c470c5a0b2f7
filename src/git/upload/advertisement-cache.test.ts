import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createTestRepository } from "../../testing/git-repository.ts";
import type { GitRepository } from "../repository/git-repository.ts";
import { RepositoryCache } from "../repository/repository-cache.ts";
import { AdvertisementCache } from "./advertisement-cache.ts";

function repositories(t: TestContext, count: number): GitRepository[] {
  const cache = new RepositoryCache();
  t.after(() => cache.close());
  return Array.from({ length: count }, () => cache.open(createTestRepository(t).path));
}

test("AdvertisementCache gives back what was kept of the same version only", (t) => {
  const [one, other] = repositories(t, 2);
  assert.ok(one && other);
  const cache = new AdvertisementCache(10_000);
  const pieces = [Buffer.from("a")];
  cache.keep(one, "key", { version: "1", pieces });
  assert.equal(cache.find(one, "key", "1"), pieces);
  assert.equal(cache.find(one, "key", "2"), undefined);
  assert.equal(cache.find(one, "other key", "1"), undefined);
  assert.equal(cache.find(other, "key", "1"), undefined);
  cache.keep(one, "key", { version: "2", pieces: [] });
  assert.equal(cache.find(one, "key", "1"), undefined);
  assert.deepEqual(cache.find(one, "key", "2"), []);
});

test("AdvertisementCache keeps to its bound and drops what was unused for longest", (t) => {
  const made = repositories(t, 8);
  const cache = new AdvertisementCache(10_000);
  const [first, second] = made;
  assert.ok(first && second);
  for (const repository of made) {
    cache.keep(repository, "", { version: "1", pieces: [Buffer.alloc(2000)] });
    assert.ok(cache.bytes <= 10_000);
    assert.ok(cache.find(first, "", "1"));
  }
  assert.equal(cache.find(second, "", "1"), undefined);
  cache.keep(first, "", { version: "1", pieces: [Buffer.alloc(3000)] });
  assert.equal(cache.find(first, "", "1"), undefined);
});
