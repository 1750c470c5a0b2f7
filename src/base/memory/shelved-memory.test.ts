import assert from "node:assert/strict";
import { test } from "node:test";
import { ShelvedMemory } from "./shelved-memory.ts";

test("a patch is found again, in its own repository only", () => {
  const memory = new ShelvedMemory<Buffer | "binary">(1_000_000);
  const shelf = memory.shelf();
  const other = memory.shelf();
  shelf.keep("one", Buffer.from("hunk"));
  shelf.keep("two", "binary");
  assert.deepEqual(shelf.find("one"), Buffer.from("hunk"));
  assert.equal(shelf.find("two"), "binary");
  assert.equal(shelf.find("three"), undefined);
  assert.equal(other.find("one"), undefined);
});

test("memory is bounded, and what is used stays", () => {
  const memory = new ShelvedMemory(20_000);
  const shelf = memory.shelf();
  shelf.keep("used", Buffer.alloc(1000, 1));
  for (let count = 0; count < 50; count++) {
    shelf.keep(`patch ${count}`, Buffer.alloc(count * 20));
    assert.equal(shelf.find("used")?.length, 1000);
    assert.ok(memory.bytes <= 20_000);
  }
  assert.equal(shelf.find("patch 0"), undefined);
  assert.equal(shelf.find("patch 49")?.length, 980);
});

test("a large patch isn't kept", () => {
  const memory = new ShelvedMemory<Buffer | "binary">(1_000_000);
  const shelf = memory.shelf();
  shelf.keep("large", Buffer.alloc(100_000));
  assert.equal(shelf.find("large"), undefined);
  assert.equal(memory.bytes, 0);
});
