import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { deflateSync } from "node:zlib";
import {
  createTestRepository,
  type TestRepository,
  temporaryDirectory,
} from "../../testing/git-repository.ts";
import { type ObjectFormat, type Oid, parseOid } from "../oid/oid.ts";
import { ReaderResources } from "../pack/reader-resources.ts";
import { ObjectDatabase } from "./object-database.ts";
import { CorruptObjectError } from "./object-error.ts";
import { hashObject } from "./object-hash.ts";
import { ObjectSources } from "./object-source.ts";

const FORMATS: readonly ObjectFormat[] = ["sha1", "sha256"];

function openDatabase(
  t: TestContext,
  repository: TestRepository,
  directories: { readonly objectDirectory?: string; readonly alternates?: string[] } = {},
): ObjectDatabase {
  const database = new ObjectDatabase({
    objectDirectory: join(repository.path, "objects"),
    ...directories,
    format: repository.format,
    sources: new ObjectSources(new ReaderResources()),
  });
  t.after(() => database.close());
  return database;
}

function writeBlob(repository: TestRepository, text: string): Oid {
  return oid(repository.gitLine(["hash-object", "-w", "--stdin"], { input: text }));
}

function oid(text: string): Oid {
  const parsed = parseOid(text);
  assert.ok(parsed, text);
  return parsed;
}

/** Packs all loose objects and removes them; their tags keep them in later packs. */
function packAll(repository: TestRepository): void {
  const updates = allOids(repository).map((id, i) => `update refs/tags/t${i} ${id}\n`);
  repository.git(["update-ref", "--stdin"], { input: updates.join("") });
  repository.git(["repack", "-adfq"]);
}

function allOids(repository: TestRepository): string[] {
  return repository.gitLines(["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"]);
}

function packPath(repository: TestRepository, extension: string): string {
  const directory = join(repository.path, "objects/pack");
  const name = readdirSync(directory).find((file) => file.endsWith(extension));
  assert.ok(name);
  return join(directory, name);
}

/** Changes a byte of a file that git has made read-only. */
function flipByte(path: string, offset: number): void {
  chmodSync(path, 0o644);
  const bytes = readFileSync(path);
  const place = offset < 0 ? bytes.length + offset : offset;
  bytes[place] = (bytes[place] ?? 0) ^ 0xff;
  writeFileSync(path, bytes);
}

function textOf(database: ObjectDatabase, id: Oid): string | undefined {
  return database.read(id)?.content.toString();
}

for (const format of FORMATS) {
  test(`${format}: an object that another process adds later is found`, (t) => {
    const repository = createTestRepository(t, { format });
    const database = openDatabase(t, repository);
    const missing = hashObject("blob", Buffer.from("later"), format);
    assert.equal(database.read(missing), undefined);
    assert.equal(database.has(missing), false);
    assert.equal(database.header(missing), undefined);

    assert.equal(writeBlob(repository, "later"), missing);
    assert.equal(textOf(database, missing), "later");

    packAll(repository);
    assert.equal(textOf(database, missing), "later");
    assert.deepEqual(database.header(missing), { type: "blob", size: 5 });
  });

  test(`${format}: objects are found again after a repack removed their packs`, (t) => {
    const repository = createTestRepository(t, { format });
    const ids = ["a", "b", "c", "d"].map((text) => writeBlob(repository, text));
    packAll(repository);
    const database = openDatabase(t, repository);
    assert.equal(textOf(database, ids[0] ?? oid("")), "a");
    for (const round of [1, 2, 3]) {
      writeBlob(repository, `round ${round}`);
      packAll(repository);
      assert.deepEqual(
        ids.map((id) => textOf(database, id)),
        ["a", "b", "c", "d"],
      );
    }
  });

  test(`${format}: the empty tree is always there`, (t) => {
    const repository = createTestRepository(t, { format });
    const database = openDatabase(t, repository);
    const empty = hashObject("tree", Buffer.alloc(0), format);
    assert.deepEqual(database.header(empty), { type: "tree", size: 0 });
    assert.equal(database.read(empty)?.content.length, 0);
    assert.deepEqual([...database.oids()], []);
  });

  test(`${format}: a quarantine reads its own objects and the repository's`, (t) => {
    const repository = createTestRepository(t, { format });
    const old = writeBlob(repository, "old");
    const quarantine = join(temporaryDirectory(t), "incoming");
    mkdirSync(quarantine);
    const objects = join(repository.path, "objects");
    const fresh = oid(
      repository.gitLine(["hash-object", "-w", "--stdin"], {
        input: "fresh",
        env: { GIT_OBJECT_DIRECTORY: quarantine, GIT_ALTERNATE_OBJECT_DIRECTORIES: objects },
      }),
    );
    const inside = openDatabase(t, repository, {
      objectDirectory: quarantine,
      alternates: [objects],
    });
    assert.deepEqual([textOf(inside, old), textOf(inside, fresh)], ["old", "fresh"]);
    const outside = openDatabase(t, repository);
    assert.deepEqual([textOf(outside, old), textOf(outside, fresh)], ["old", undefined]);
  });
}

test("what another process pruned is gone for the next request", (t) => {
  const repository = createTestRepository(t);
  const kept = writeBlob(repository, "kept");
  const pruned = writeBlob(repository, "pruned");
  packAll(repository);
  const database = openDatabase(t, repository);
  assert.deepEqual([textOf(database, kept), textOf(database, pruned)], ["kept", "pruned"]);
  for (const tag of repository.gitLines(["tag", "--points-at", pruned])) {
    repository.git(["tag", "-d", tag]);
  }
  repository.git(["repack", "-adq"]);
  database.expire();
  assert.deepEqual([textOf(database, kept), textOf(database, pruned)], ["kept", undefined]);
});

test("alternates that are added or taken away are noticed", (t) => {
  const repository = createTestRepository(t);
  const pool = createTestRepository(t);
  const pooled = writeBlob(pool, "pooled");
  packAll(pool);
  const database = openDatabase(t, repository);
  assert.equal(textOf(database, pooled), undefined);
  const alternates = join(repository.path, "objects/info/alternates");
  writeFileSync(alternates, `${pool.path}/objects\n`);
  assert.equal(textOf(database, pooled), "pooled");
  rmSync(alternates);
  database.expire();
  assert.equal(textOf(database, pooled), undefined);
});

test("a damaged pack is passed over when another copy is good", (t) => {
  const repository = createTestRepository(t);
  const id = writeBlob(repository, "twice");
  packAll(repository);
  const pack = packPath(repository, ".pack");
  // Behind the 12 bytes of the header and the entry's head.
  flipByte(pack, 16);
  const database = openDatabase(t, repository);
  assert.throws(() => database.read(id), CorruptObjectError);
  assert.equal(writeBlob(repository, "twice again").length, id.length);
  // Git itself writes no second copy of an object that it has.
  const loose = createTestRepository(t);
  writeBlob(loose, "twice");
  const place = `objects/${id.slice(0, 2)}`;
  mkdirSync(join(repository.path, place), { recursive: true });
  const file = `${place}/${id.slice(2)}`;
  writeFileSync(join(repository.path, file), readFileSync(join(loose.path, file)));
  assert.equal(textOf(database, id), "twice");
});

test("a pack that can't be used is no reason to call its objects missing", (t) => {
  for (const [extension, offset] of [
    [".idx", 9],
    [".idx", 8 + 1000],
    [".pack", 0],
    [".pack", -1],
    [".pack", 11],
  ] as const) {
    const repository = createTestRepository(t);
    const id = writeBlob(repository, "packed");
    packAll(repository);
    flipByte(packPath(repository, extension), offset);
    const other = writeBlob(repository, "loose");
    const database = openDatabase(t, repository);
    assert.throws(() => database.read(id), CorruptObjectError, `${extension} ${offset}`);
    assert.equal(textOf(database, other), "loose");
  }
});

test("a damaged multi-pack-index is ignored", (t) => {
  const repository = createTestRepository(t);
  const id = writeBlob(repository, "packed");
  packAll(repository);
  repository.git(["multi-pack-index", "write"]);
  const path = join(repository.path, "objects/pack/multi-pack-index");
  const bytes = readFileSync(path);
  const place = bytes.indexOf(Buffer.from(id, "hex"));
  for (let offset = 0; offset < bytes.length; offset += 7) {
    // With another id in the list, the object is missing for git, too.
    if (offset >= place && offset < place + 20) continue;
    flipByte(path, offset);
    assert.equal(textOf(openDatabase(t, repository), id), "packed", `byte ${offset}`);
    flipByte(path, offset);
  }
  truncateSync(path, 100);
  assert.equal(textOf(openDatabase(t, repository), id), "packed");
});

test("damaged loose objects are corrupt, not missing", (t) => {
  const repository = createTestRepository(t);
  const odd = writeBlob(repository, "odd");
  const empty = writeBlob(repository, "empty file");
  const cut = writeBlob(repository, "cut ".repeat(1000));
  const garbage = writeBlob(repository, "garbage");
  const pathOf = (id: Oid): string => {
    const path = join(repository.path, "objects", id.slice(0, 2), id.slice(2));
    chmodSync(path, 0o644);
    return path;
  };
  writeFileSync(pathOf(odd), deflateSync(Buffer.from("bulb 3\0odd")));
  truncateSync(pathOf(empty), 0);
  truncateSync(pathOf(cut), readFileSync(pathOf(cut)).length - 5);
  writeFileSync(pathOf(garbage), Buffer.concat([readFileSync(pathOf(garbage)), Buffer.from("x")]));
  const database = openDatabase(t, repository);
  for (const id of [odd, empty, cut, garbage]) {
    assert.throws(() => database.read(id), CorruptObjectError, id);
  }
  assert.throws(() => database.header(odd), CorruptObjectError);
});

test("reading while another process repacks and prunes gives every answer right", async (t) => {
  const repository = createTestRepository(t);
  const texts = Array.from({ length: 40 }, (_, i) => `text ${i} ${"z".repeat(i)}`);
  const ids = texts.map((text) => writeBlob(repository, text));
  packAll(repository);
  const database = openDatabase(t, repository);
  const { signal } = new AbortController();
  for (let round = 0; round < 6; round++) {
    writeBlob(repository, `round ${round}`);
    // Objects wander from packs to loose files and back.
    const loosen = round % 2 === 0;
    if (loosen) {
      const pack = readFileSync(packPath(repository, ".pack"));
      for (const name of readdirSync(join(repository.path, "objects/pack"))) {
        rmSync(join(repository.path, "objects/pack", name));
      }
      repository.git(["unpack-objects", "-q"], { input: pack });
    } else {
      packAll(repository);
    }
    for (const [i, id] of ids.entries()) {
      assert.equal(textOf(database, id), texts[i]);
      const loaded = await database.load(id, signal);
      assert.equal(loaded?.content.toString(), texts[i]);
    }
  }
});

test("the right objects are missing while packs come and go in another process", (t) => {
  const repository = createTestRepository(t);
  const id = writeBlob(repository, "stays");
  packAll(repository);
  const database = openDatabase(t, repository);
  const missing = hashObject("blob", Buffer.from("never written"), "sha1");
  for (let round = 0; round < 5; round++) {
    assert.equal(textOf(database, id), "stays");
    assert.equal(database.has(missing), false);
    writeBlob(repository, `more ${round}`);
    repository.git(["repack", "-dq"]);
  }
});
