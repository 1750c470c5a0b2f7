import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createTestRepository, type TestRepository } from "../../testing/git-repository.ts";
import type { ObjectFormat } from "../oid/oid.ts";
import { ByteCache } from "./byte-cache.ts";
import { FilePool } from "./file-pool.ts";
import { MultiPackIndex } from "./multi-pack-index.ts";
import type { OidTableSlice } from "./oid-table.ts";
import { PackIndex } from "./pack-index.ts";

const FORMATS: readonly ObjectFormat[] = ["sha1", "sha256"];

/** Writes so many blobs and packs whatever is loose. */
function addPack(repository: TestRepository, count: number, word: string): void {
  const blobs = Array.from({ length: count }, (_, i) => `blob\ndata <<E\n${word} ${i}\nE\n`);
  repository.git(["-c", "fastimport.unpackLimit=0", "fast-import", "--quiet"], {
    input: blobs.join(""),
  });
}

function packNames(repository: TestRepository, extension: string): string[] {
  const names = readdirSync(join(repository.path, "objects/pack"));
  return names.filter((name) => name.endsWith(extension)).sort();
}

/** Lines of `git show-index`: offset and id. */
function showIndex(repository: TestRepository, name: string): string[] {
  const input = readFileSync(join(repository.path, "objects/pack", name));
  const lines = repository.gitLines(["show-index"], { input });
  return lines.map((line) => line.split(" ").slice(0, 2).join(" "));
}

for (const format of FORMATS) {
  for (const version of [1, 2]) {
    test(`a ${format} index of version ${version} knows what git finds in it`, (t) => {
      const repository = createTestRepository(t, { format });
      repository.git(["config", "pack.indexVersion", `${version}`]);
      addPack(repository, 3000, "word");
      const [name = ""] = packNames(repository, ".idx");
      const pool = new FilePool(10);
      const file = pool.open(join(repository.path, "objects/pack", name));
      const index = new PackIndex(file, format, new ByteCache<OidTableSlice>(50_000));
      t.after(() => index.close());

      const expected = showIndex(repository, name);
      assert.equal(index.count, 3000);
      const found = expected.map((_, i) => `${index.offsetAt(i)} ${index.table.oidAt(i)}`);
      assert.deepEqual(found, expected);
      for (const line of expected) {
        const [offset, oid = ""] = line.split(" ");
        assert.equal(index.find(Buffer.from(oid, "hex")), Number(offset));
        assert.deepEqual(index.table.withPrefix(oid.slice(0, 15), 2), [oid]);
      }
      const [, first = ""] = expected[0]?.split(" ") ?? [];
      const other = Buffer.from(first, "hex");
      other[other.length - 1] = (other.at(-1) ?? 0) ^ 1;
      assert.equal(index.find(other), -1);
      assert.equal(index.table.withPrefix("0", 0).length, 0);
    });
  }

  test(`a ${format} multi-pack-index leads to each object in one of its packs`, (t) => {
    const repository = createTestRepository(t, { format });
    for (const word of ["one", "two", "three"]) addPack(repository, 500, word);
    repository.git(["multi-pack-index", "write"]);
    const pool = new FilePool(10);
    const file = pool.open(join(repository.path, "objects/pack/multi-pack-index"));
    const index = new MultiPackIndex(file, format, new ByteCache<OidTableSlice>(50_000));
    t.after(() => index.close());

    const names = packNames(repository, ".idx");
    assert.deepEqual(
      index.packNames.toSorted(),
      names.map((name) => name.replace(".idx", "")),
    );
    let count = 0;
    for (const name of names) {
      for (const line of showIndex(repository, name)) {
        const [offset, oid = ""] = line.split(" ");
        const position = index.table.find(Buffer.from(oid, "hex"));
        assert.equal(`${index.packNameAt(position)}.idx`, name);
        assert.equal(index.offsetAt(position), Number(offset));
        count++;
      }
    }
    assert.equal(index.count, count);
  });
}
