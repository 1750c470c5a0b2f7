import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ObjectDatabase } from "../../src/git/object/object-database.ts";
import { ObjectSources } from "../../src/git/object/object-source.ts";
import { type ObjectFormat, type Oid, parseOid } from "../../src/git/oid/oid.ts";
import { ReaderResources } from "../../src/git/pack/reader-resources.ts";
import {
  createTestRepository,
  openTestRepository,
  type TestRepository,
} from "../../src/testing/git-repository.ts";
import { generateDeepChain, generateHistory } from "./objects-fixture.ts";
import { Random, testSeed } from "./objects-random.ts";

const FORMATS: readonly ObjectFormat[] = ["sha1", "sha256"];

function openDatabase(t: TestContext, repository: TestRepository): ObjectDatabase {
  // Small limits, so that eviction and closing of files are part of every run.
  const limits = { descriptorsMax: 4, indexBytesMax: 100_000, contentBytesMax: 200_000 };
  const sources = new ObjectSources(new ReaderResources(limits));
  const objectDirectory = join(repository.path, "objects");
  const database = new ObjectDatabase({ objectDirectory, format: repository.format, sources });
  t.after(() => {
    database.close();
    assert.equal(sources.resources.files.descriptors, 0, "files are left open");
  });
  return database;
}

interface Expected {
  readonly oid: Oid;
  readonly type: string;
  readonly content: Buffer;
}

/** Takes the output of `git cat-file --batch` apart. */
function* parseBatch(output: Buffer): Generator<Expected> {
  for (let offset = 0; offset < output.length; ) {
    const end = output.indexOf("\n", offset);
    const [id = "", type = "", size = ""] = output.toString("latin1", offset, end).split(" ");
    const oid = parseOid(id);
    assert.ok(oid);
    const start = end + 1;
    offset = start + Number(size) + 1;
    yield { oid, type, content: output.subarray(start, offset - 1) };
  }
}

/** Compares every object of the repository with what git says, read in every way there is. */
async function assertSameObjects(t: TestContext, repository: TestRepository): Promise<void> {
  const database = openDatabase(t, repository);
  const { signal } = new AbortController();
  const all = [...parseBatch(repository.git(["cat-file", "--batch-all-objects", "--batch"]))];
  assert.ok(all.length > 0);
  assert.deepEqual(
    [...database.oids()],
    all.map(({ oid }) => oid),
  );
  for (const { oid, type, content } of all) {
    assert.ok(database.has(oid), oid);
    assert.deepEqual(database.header(oid), { type, size: content.length }, oid);
    const object = database.read(oid);
    assert.equal(object?.type, type, oid);
    assert.ok(object?.content.equals(content), oid);
  }
  database.close();
  for (const { oid, type, content } of all) {
    const loaded = await database.load(oid, signal);
    assert.ok(loaded?.content.equals(content), oid);
    const stream = await database.stream(oid, signal);
    assert.equal(stream?.type, type, oid);
    assert.equal(stream?.size, content.length, oid);
    assert.ok((await collect(stream?.chunks)).equals(content), oid);
  }
}

async function collect(chunks: AsyncIterable<Buffer> | undefined): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks ?? []) all.push(chunk);
  return Buffer.concat(all);
}

function randomOf(t: TestContext): Random {
  const seed = testSeed();
  t.diagnostic(`GITALY_TEST_SEED=${seed}`);
  return new Random(seed);
}

for (const format of FORMATS) {
  test(`${format}: objects as fast-import packs them, and loose`, async (t) => {
    const repository = createTestRepository(t, { format });
    generateHistory(repository, randomOf(t));
    await assertSameObjects(t, repository);
  });

  test(`${format}: deep chains of deltas, by offset and by id`, async (t) => {
    for (const byOffset of ["true", "false"]) {
      const repository = createTestRepository(t, { format });
      repository.git(["config", "repack.useDeltaBaseOffset", byOffset]);
      generateDeepChain(repository, 300);
      await assertSameObjects(t, repository);
    }
  });

  test(`${format}: an index of version 1`, async (t) => {
    const repository = createTestRepository(t, { format });
    generateHistory(repository, randomOf(t), { commits: 20 });
    repository.git(["-c", "pack.indexVersion=1", "repack", "-adfq"]);
    await assertSameObjects(t, repository);
  });

  test(`${format}: offsets beyond 31 bits`, async (t) => {
    const repository = createTestRepository(t, { format });
    generateHistory(repository, randomOf(t), { commits: 20 });
    repository.git(["repack", "-adfq"]);
    const packs = join(repository.path, "objects/pack");
    const pack = readdirSync(packs).find((name) => name.endsWith(".pack")) ?? "";
    const index = join(packs, pack.replace(/pack$/, "idx"));
    const size = statSync(index).size;
    for (const name of readdirSync(packs)) if (name !== pack) rmSync(join(packs, name));
    // Every offset above 64 is written into the table of large ones.
    repository.git(["index-pack", "--index-version=2,0x40", join(packs, pack)]);
    assert.ok(statSync(index).size > size);
    await assertSameObjects(t, repository);
  });

  test(`${format}: several packs with one multi-pack-index, and loose objects`, async (t) => {
    const repository = createTestRepository(t, { format });
    const random = randomOf(t);
    for (let i = 0; i < 3; i++) {
      generateHistory(repository, random, { commits: 20 });
      repository.git(["repack", "-dq"]);
    }
    repository.git(["multi-pack-index", "write"]);
    generateHistory(repository, random, { commits: 10 });
    await assertSameObjects(t, repository);
  });

  test(`${format}: a chain of multi-pack-indexes`, async (t) => {
    const repository = createTestRepository(t, { format });
    const random = randomOf(t);
    for (let i = 0; i < 3; i++) {
      generateHistory(repository, random, { commits: 20 });
      repository.git(["repack", "-dq"]);
      repository.git(["multi-pack-index", "write", "--incremental"]);
    }
    generateHistory(repository, random, { commits: 10 });
    await assertSameObjects(t, repository);
  });

  test(`${format}: alternates three deep, named in several ways`, async (t) => {
    const random = randomOf(t);
    const chain = Array.from({ length: 4 }, () => createTestRepository(t, { format }));
    for (const [i, repository] of chain.entries()) {
      const next = chain[i + 1];
      const info = join(repository.path, "objects/info/alternates");
      if (next !== undefined) writeFileSync(info, "# the next one\n\n");
      if (next !== undefined) appendFileSync(info, alternateLine(i, next.path));
      generateHistory(repository, random, { commits: 15 });
    }
    for (const repository of chain) await assertSameObjects(t, repository);
  });

  test(`${format}: a partial clone has what it has`, async (t) => {
    const source = createTestRepository(t, { format });
    generateHistory(source, randomOf(t), { commits: 30 });
    source.git(["config", "uploadpack.allowFilter", "true"]);
    const partial = createTestRepository(t, { format });
    partial.git(["remote", "add", "origin", source.path]);
    partial.git(["fetch", "-q", "--filter=blob:none", "origin", "+refs/*:refs/*"]);
    const hasPromisor = readdirSync(join(partial.path, "objects/pack")).some((name) =>
      name.endsWith(".promisor"),
    );
    assert.ok(hasPromisor);
    // Nobody fetches what is missing.
    partial.git(["remote", "set-url", "origin", join(source.path, "gone")]);
    await assertSameObjects(t, partial);
    const listing = ["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"];
    const here = new Set(partial.gitLines(listing));
    const missing = source.gitLines(listing).filter((id) => !here.has(id));
    assert.ok(missing.length > 0);
    const database = openDatabase(t, partial);
    for (const id of missing) {
      const oid = parseOid(id);
      assert.ok(oid);
      assert.equal(database.has(oid), false);
      assert.equal(database.header(oid), undefined);
      assert.equal(database.read(oid), undefined);
    }
  });

  test(`${format}: blobs too large to be read at once`, async (t) => {
    const repository = createTestRepository(t, { format });
    const random = randomOf(t);
    const text = Buffer.from(
      Array.from({ length: 300_000 }, () => `${random.below(2 ** 31)}\n`).join(""),
    );
    const write = ["hash-object", "-w", "--stdin"];
    const large = repository.gitLine(write, { input: text });
    await assertSameLargeBlob(t, repository, large, text);
    repository.git(write, { input: Buffer.concat([text, Buffer.from("and more")]) });
    repository.git(["tag", "large", large]);
    const all = repository.git(["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"]);
    mkdirSync(join(repository.path, "objects/pack"), { recursive: true });
    repository.git(["pack-objects", "-q", "--delta-base-offset", "objects/pack/pack"], {
      input: all,
    });
    repository.git(["prune-packed"]);
    await assertSameLargeBlob(t, repository, large, text);
  });
}

function alternateLine(index: number, path: string): string {
  if (index === 0) return `${path}/objects\n`;
  // Relative ones start at the object directory.
  if (index === 1) return `../../../../${path}/objects/\n`;
  return `"${path}/\\157bjects"\n`;
}

async function assertSameLargeBlob(
  t: TestContext,
  repository: TestRepository,
  id: string,
  expected: Buffer,
): Promise<void> {
  const database = openDatabase(t, repository);
  const { signal } = new AbortController();
  const oid = parseOid(id);
  assert.ok(oid);
  assert.throws(() => database.read(oid, 1024), { name: "ObjectTooLargeError" });
  await assert.rejects(database.load(oid, signal, 1024), { name: "ObjectTooLargeError" });
  assert.ok((await database.load(oid, signal))?.content.equals(expected));
  const stream = await database.stream(oid, signal);
  assert.ok((await collect(stream?.chunks)).equals(expected));
}

test("every object of the repository in GITALY_TEST_REPOSITORY", async (t) => {
  const path = process.env["GITALY_TEST_REPOSITORY"];
  if (path === undefined) {
    t.skip("not given");
    return;
  }
  const format = openTestRepository(path, "sha1").gitLine(["rev-parse", "--show-object-format"]);
  const repository = openTestRepository(path, format === "sha256" ? "sha256" : "sha1");
  const sources = new ObjectSources(new ReaderResources());
  const objectDirectory = join(path, "objects");
  const database = new ObjectDatabase({ objectDirectory, format: repository.format, sources });
  t.after(() => database.close());
  const oids = database.oids();
  const output = repository.git(["cat-file", "--batch-all-objects", "--batch-check"]);
  for (const line of output.toString("latin1").trimEnd().split("\n")) {
    const [id = "", type, size] = line.split(" ");
    const oid = parseOid(id);
    assert.ok(oid);
    assert.ok(oids.next().value === oid, oid);
    assert.deepEqual(database.header(oid), { type, size: Number(size) }, oid);
  }
  assert.equal(oids.next().done, true);
});
