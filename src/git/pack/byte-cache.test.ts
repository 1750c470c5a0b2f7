import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteCache } from "./byte-cache.ts";

test("values used once give way to new ones, values used twice stay", () => {
  const cache = new ByteCache<string>(100_000);
  const partition = cache.partition();
  partition.set(0, "hot", 1000);
  assert.equal(partition.get(0), "hot");
  for (let key = 1; key < 1000; key++) partition.set(key, "cold", 1000);
  assert.equal(partition.get(0), "hot");
  assert.equal(partition.get(1), undefined);
  assert.equal(partition.get(999), "cold");
  assert.ok(cache.bytes <= cache.bytesMax);
});

test("the limit holds over all partitions and kinds of use", () => {
  const cache = new ByteCache<number>(50_000);
  const partitions = Array.from({ length: 5 }, () => cache.partition());
  for (let key = 0; key < 2000; key++) {
    const partition = partitions[key % 5];
    partition?.set(key, key, (key * 37) % 5000);
    partition?.get(key - 5 * (key % 7));
    assert.ok(cache.bytes <= cache.bytesMax, `${cache.bytes} bytes`);
  }
  for (const partition of partitions) partition.clear();
  assert.equal(cache.bytes, 0);
});

test("a value that would fill much of the cache isn't kept", () => {
  const cache = new ByteCache<string>(10_000);
  const partition = cache.partition();
  partition.set(1, "small", 100);
  partition.set(2, "large", 9000);
  assert.equal(partition.get(2), undefined);
  assert.equal(partition.get(1), "small");
});

test("a value that stays is copied once", () => {
  let copies = 0;
  const cache = new ByteCache<string>(10_000, (value) => {
    copies++;
    return `own ${value}`;
  });
  const partition = cache.partition();
  partition.set(1, "value", 10);
  partition.get(1);
  assert.equal(partition.get(1), "own value");
  assert.equal(copies, 1);
});

test("setting a key again replaces its value", () => {
  const cache = new ByteCache<string>(10_000);
  const partition = cache.partition();
  partition.set(1, "old", 100);
  const { bytes } = cache;
  partition.set(1, "new", 100);
  assert.equal(partition.get(1), "new");
  assert.equal(cache.bytes, bytes);
});
