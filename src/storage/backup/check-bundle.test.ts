import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createTestRepository, temporaryDirectory } from "../../testing/git-repository.ts";
import { writeCommit } from "../../testing/test-commits.ts";
import { checkBundle } from "./check-bundle.ts";

for (const format of ["sha1", "sha256"] as const) {
  test(`a ${format} bundle is whole, or is refused wherever it is cut or damaged`, async (t) => {
    const repository = createTestRepository(t, { format });
    const first = writeCommit(repository, { ref: "refs/heads/main" });
    writeCommit(repository, { ref: "refs/heads/main", parents: [first] });
    const path = join(temporaryDirectory(t), "a.bundle");
    repository.git(["bundle", "create", path, "main", `^${first}`]);
    const bundle = readFileSync(path);
    const packStart = bundle.indexOf("\n\nPACK") + 2;
    for (const size of [1, 7, 64, bundle.length]) await checkBundle(pieces(bundle, size));
    for (let length = 0; length < bundle.length; length++) {
      await assert.rejects(checkBundle(pieces(bundle.subarray(0, length), 50)), /^BundleDamageErr/);
    }
    for (let index = packStart; index < bundle.length; index += 3) {
      const damaged = Buffer.from(bundle);
      damaged[index] = (damaged[index] ?? 0) ^ 1;
      await assert.rejects(checkBundle(pieces(damaged, 50)), /^BundleDamageError/);
    }
  });
}

test("a bundle into which nothing was put is whole", async () => {
  await checkBundle(pieces(Buffer.from("# v2 git bundle\n\n"), 100));
});

test("what is no bundle is refused", async () => {
  const damage = /^BundleDamageError/;
  await assert.rejects(checkBundle(pieces(Buffer.from("damaged\n\nPACK"), 100)), damage);
  await assert.rejects(checkBundle(pieces(Buffer.alloc(3 << 20), 1 << 18)), damage);
});

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let start = 0; start < bytes.length; start += size) {
    yield bytes.subarray(start, start + size);
  }
}
