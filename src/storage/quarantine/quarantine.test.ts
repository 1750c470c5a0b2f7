import assert from "node:assert/strict";
import { existsSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { settleObjects } from "../../git/object/held-objects.ts";
import { hashObject } from "../../git/object/object-hash.ts";
import type { ObjectFormat, Oid } from "../../git/oid/oid.ts";
import { RepositoryCache } from "../../git/repository/repository-cache.ts";
import { createTestRepository } from "../../testing/git-repository.ts";
import { createQuarantine } from "./quarantine.ts";

for (const format of ["sha1", "sha256"] as const) {
  test(`${format}: objects are in the repository after their migration, not before`, async (t) => {
    const { repository, create } = setUp(t, format);
    using quarantine = await create();
    const small = await quarantine.objects.write("blob", Buffer.from("small"));
    const content = Buffer.alloc(3_000_000, "abcdefg");
    const large = await quarantine.objects.write("blob", content);
    assert.equal(small, repository.gitLine(["hash-object", "--stdin"], { input: "small" }));
    assert.equal(typeOf(small), "missing");
    await quarantine.migrate();
    assert.equal(typeOf(small), "blob");
    assert.deepEqual(repository.git(["cat-file", "blob", large]), content);
    repository.git(["fsck", "--strict"]);

    function typeOf(oid: Oid): string {
      const input = `${oid}\n`;
      const line = repository.gitLine(["cat-file", "--batch-check=%(objecttype)"], { input });
      return line.replace(`${oid} `, "");
    }
  });
}

test("objects join those that are in the same folder already", async (t) => {
  const { repository, create } = setUp(t);
  const [first, second, third] = sameFolder();
  {
    using quarantine = await create();
    await quarantine.objects.write("blob", first);
    await quarantine.migrate();
    assert(!existsSync(quarantine.directory) || readdirSync(quarantine.directory).length === 0);
  }
  using quarantine = await create();
  using other = await create();
  await quarantine.objects.write("blob", second);
  settleObjects(quarantine.directory);
  await other.objects.write("blob", second);
  await other.objects.write("blob", third);
  await quarantine.migrate();
  await other.migrate();
  const oids = [first, second, third].map((content) => hashObject("blob", content, "sha1"));
  const input = oids.join("\n");
  const types = repository.git(["cat-file", "--batch-check=%(objecttype)"], { input });
  assert.equal(types.toString(), "blob\n".repeat(3));
  repository.git(["fsck", "--strict"]);
});

/** Contents whose ids begin with the same two digits. */
function sameFolder(): [Buffer, Buffer, Buffer] {
  const [first, ...rest] = Array.from({ length: 4096 }, (_, index) => Buffer.from(`${index}`));
  assert(first !== undefined);
  const folderOf = (content: Buffer): string => hashObject("blob", content, "sha1").slice(0, 2);
  const [second, third] = rest.filter((content) => folderOf(content) === folderOf(first));
  assert(second !== undefined && third !== undefined);
  return [first, second, third];
}

test("no directory is made for a few objects that only this process reads", async (t) => {
  const { repository, cache, create } = setUp(t);
  const folder = join(dirname(repository.path), "tmp");
  using quarantine = await create();
  const oid = await quarantine.objects.write("blob", Buffer.from("few"));
  const { objectDirectory = "", alternateObjectDirectories: alternates = [] } =
    quarantine.repository;
  const view = cache.openQuarantine(repository.path, { objectDirectory, alternates });
  t.after(() => view.close());
  assert.equal(view.objects.read(oid)?.content.toString(), "few");
  assert.equal(cache.open(repository.path).objects.has(oid), false);
  await quarantine.migrate();
  assert.deepEqual(readdirSync(folder), []);
  assert.equal(view.objects.read(oid)?.content.toString(), "few");
  const object = join(repository.path, "objects", oid.slice(0, 2));
  assert.deepEqual(readdirSync(object), [oid.slice(2)]);
  assert.equal(statSync(join(object, oid.slice(2))).mode & 0o777, 0o444);
});

test("what is written before, while and after others look is migrated", async (t) => {
  const { repository, create } = setUp(t);
  using quarantine = await create();
  const write = (text: string) => quarantine.objects.write("blob", Buffer.from(text));
  const oids = [await write("before")];
  const migrated = quarantine.migrate();
  settleObjects(quarantine.directory);
  await migrated;
  oids.push(await write("while"));
  await quarantine.migrate();
  oids.push(await write("after"));
  await quarantine.migrate();
  const texts = oids.map((oid) => repository.gitLine(["cat-file", "-p", oid]));
  assert.deepEqual(texts, ["before", "while", "after"]);
});

test("nothing shows up in the repository when nothing can be written", async (t) => {
  const { repository, create } = setUp(t);
  using quarantine = await create();
  const oid = await quarantine.objects.write("blob", Buffer.from("content"));
  const folder = dirname(quarantine.directory);
  writeFileSync(folder, "no folder");
  await assert.rejects(quarantine.migrate(), /ENOTDIR/);
  assert(!existsSync(join(repository.path, "objects", oid.slice(0, 2))));
  rmSync(folder);
  await quarantine.migrate();
  repository.git(["cat-file", "-e", oid]);
});

test("a quarantine that isn't migrated leaves nothing", async (t) => {
  const { repository, create } = setUp(t);
  const before = readdirSync(join(repository.path, "objects"));
  let directory: string;
  {
    using quarantine = await create();
    directory = quarantine.directory;
    await quarantine.objects.write("blob", Buffer.from("gone"));
    settleObjects(directory);
    assert(existsSync(directory));
  }
  assert(!existsSync(directory));
  assert.deepEqual(readdirSync(join(repository.path, "objects")), before);
});

test("what the repository has isn't written again, but looks as new", async (t) => {
  const { repository, create } = setUp(t);
  const input = "known";
  const oid = repository.gitLine(["hash-object", "-w", "--stdin"], { input });
  const path = join(repository.path, "objects", oid.slice(0, 2), oid.slice(2));
  utimesSync(path, 1, 1);
  using quarantine = await create();
  assert.equal(await quarantine.objects.write("blob", Buffer.from(input)), oid);
  assert.equal(quarantine.objects.held.objects.size, 0);
  assert(statSync(path).mtimeMs > 1_000_000);

  repository.git(["update-ref", "refs/tags/known", oid]);
  repository.git(["repack", "-adq"]);
  repository.git(["prune-packed"]);
  using other = await create();
  assert.equal(await other.objects.write("blob", Buffer.from(input)), oid);
  assert.equal(other.objects.held.objects.size, 0);
});

test("git's own files are migrated with a pack's index after the pack", async (t) => {
  const { repository, create } = setUp(t);
  const source = createTestRepository(t);
  const blob = source.gitLine(["hash-object", "-w", "--stdin"], { input: "packed" });
  const pack = source.git(["pack-objects", "--stdout"], { input: `${blob}\n` });
  using quarantine = await create();
  const env = { GIT_OBJECT_DIRECTORY: quarantine.directory };
  settleObjects(quarantine.directory);
  repository.git(["index-pack", "--stdin"], { input: pack, env });
  await quarantine.migrate();
  assert.equal(repository.gitLine(["cat-file", "-p", blob]), "packed");
});

test("a size that isn't kept to fails and leaves nothing", async (t) => {
  const { create } = setUp(t);
  using quarantine = await create();
  const written = quarantine.objects.writeStream("blob", 7, [Buffer.from("longer than 7")]);
  await assert.rejects(written, RangeError);
  assert.deepEqual(readdirSync(quarantine.directory), []);
});

test("the quarantine of a quarantine goes into that one", async (t) => {
  const { repository, cache, create } = setUp(t);
  using outer = await create();
  const { objects } = cache.open(repository.path);
  const place = { folder: dirname(repository.path), prefix: "inner-" };
  using inner = await createQuarantine(outer.repository, objects, place);
  const oid = await inner.objects.write("blob", Buffer.from("deep"));
  await inner.migrate();
  assert(existsSync(join(outer.directory, oid.slice(0, 2), oid.slice(2))));
});

function setUp(t: TestContext, format: ObjectFormat = "sha1") {
  const repository = createTestRepository(t, { format });
  const cache = new RepositoryCache();
  t.after(() => cache.close());
  const located = {
    path: repository.path,
    storageName: "default",
    storagePath: dirname(repository.path),
    relativePath: "repository.git",
    glRepository: "",
    glProjectPath: "",
  };
  const place = { folder: join(dirname(repository.path), "tmp"), prefix: "quarantine-" };
  const create = () => createQuarantine(located, cache.open(repository.path).objects, place);
  return { repository, cache, create };
}
