import assert from "node:assert/strict";
import { createHash, hash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { deflateSync } from "node:zlib";
import { settleObjects } from "../../../git/object/held-objects.ts";
import type { ObjectFormat } from "../../../git/oid/oid.ts";
import { RepositoryCache } from "../../../git/repository/repository-cache.ts";
import { createQuarantine } from "../../../storage/quarantine/quarantine.ts";
import { createTestRepository, type TestRepository } from "../../../testing/git-repository.ts";
import { writeCommit } from "../../../testing/test-commits.ts";
import { takeSmallPack } from "./take-small-pack.ts";

const TYPES = ["", "commit", "tree", "blob", "tag"] as const;
const IDENTITY = "A U Thor <author@example.com> 1112911993 -0700";

interface RawObject {
  readonly type: 1 | 2 | 3 | 4;
  readonly content: Buffer;
}

function oidOf({ type, content }: RawObject, format: ObjectFormat): string {
  return hash(format, Buffer.concat([Buffer.from(`${TYPES[type]} ${content.length}\0`), content]));
}

function packOf(objects: readonly RawObject[], format: ObjectFormat): Buffer {
  const header = Buffer.from("PACK\0\0\0\x02\0\0\0\0", "latin1");
  header.writeUInt32BE(objects.length, 8);
  const entries = objects.map(({ type, content }) => {
    const head = [(type << 4) | (content.length & 15)];
    for (let rest = content.length >>> 4; rest > 0; rest >>>= 7) {
      head.push((head.pop() ?? 0) | 0x80, rest & 0x7f);
    }
    return Buffer.concat([Buffer.from(head), deflateSync(content)]);
  });
  const pack = Buffer.concat([header, ...entries]);
  return Buffer.concat([pack, createHash(format).update(pack).digest()]);
}

async function* pieces(pack: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < pack.length; start += size) yield pack.subarray(start, start + size);
}

function setUp(t: TestContext, format: ObjectFormat = "sha1") {
  const repository = createTestRepository(t, { format });
  const commit = writeCommit(repository, { ref: "refs/heads/main" });
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
  const { objects } = cache.open(repository.path);
  const place = { folder: join(repository.path, "objects"), prefix: "tmp_objdir-incoming-" };
  async function take(pack: Buffer, options: { size?: number; maxInputBytes?: number } = {}) {
    const quarantine = await createQuarantine(located, objects, place);
    t.after(() => quarantine[Symbol.dispose]());
    const { size = pack.length, maxInputBytes = 0 } = options;
    const incoming = { objectCount: pack.readUInt32BE(8), bytes: pieces(pack, size) };
    const needs = { objects, writer: quarantine.objects, maxInputBytes, signal: t.signal };
    const result = await takeSmallPack(incoming, needs);
    settleObjects(quarantine.directory);
    return { result, files: filesIn(quarantine.directory), quarantine };
  }
  return { repository, commit, take };
}

function filesIn(directory: string): string[] {
  if (!existsSync(directory)) return [];
  const names = readdirSync(directory, { recursive: true, encoding: "utf8" });
  return names.filter((name) => /^..\/.{38,}$/.test(name)).sort();
}

/** What git makes of a pack: undefined when it refuses it. */
function gitTakes({ path, git }: TestRepository, pack: Buffer): string[] | undefined {
  const directory = join(dirname(path), "unpacked");
  mkdirSync(directory);
  const env = {
    GIT_OBJECT_DIRECTORY: directory,
    GIT_ALTERNATE_OBJECT_DIRECTORIES: join(path, "objects"),
  };
  try {
    git(["unpack-objects", "-q", "--strict"], { input: pack, env });
    return filesIn(directory);
  } catch {
    return undefined;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

for (const format of ["sha1", "sha256"] as const) {
  test(`${format}: a thin pack is taken, in whatever pieces it comes`, async (t) => {
    const { repository, commit, take } = setUp(t, format);
    const lines = Array.from({ length: 300 }, (_, i) => `line ${i}\n`);
    const base = writeCommit(repository, { content: lines.join(""), parents: [commit] });
    const content = `${lines.join("")}more\n`;
    const to = writeCommit(repository, { content, parents: [base] });
    const args = ["pack-objects", "--thin", "--revs", "--stdout", "-q", "--delta-base-offset"];
    const pack = repository.git(args, { input: `${to}\n^${base}\n` });
    const oids = repository.gitLines([
      "rev-list",
      "--objects",
      "--no-object-names",
      to,
      `^${base}`,
    ]);
    const paths = oids.map((oid) => `${oid.slice(0, 2)}/${oid.slice(2)}`);
    for (const path of paths) rmSync(join(repository.path, "objects", path));
    assert(pack.length < 500, "the blob is a delta");
    for (const size of [pack.length, 100, 13]) {
      const { result, files } = await take(pack, { size });
      assert(result.isTaken);
      assert.deepEqual(files, paths.toSorted());
    }
    const { quarantine } = await take(pack);
    await quarantine.migrate();
    assert.equal(repository.gitLine(["cat-file", "-s", `${to}:file`]), `${content.length}`);
    repository.git(["fsck", "--strict"]);
  });
}

test("what isn't taken is left to git from the first byte on", async (t) => {
  const { take } = setUp(t);
  const blob = (size: number): RawObject => ({ type: 3, content: Buffer.alloc(size, "x") });
  const good = packOf([blob(10)], "sha1");
  const damaged = Buffer.from(good);
  damaged.writeUInt8(damaged.readUInt8(good.length - 1) ^ 1, good.length - 1);
  const cases: readonly (readonly [Buffer, { size?: number; maxInputBytes?: number }])[] = [
    [damaged, {}],
    [good.subarray(0, -1), {}],
    [Buffer.concat([good, Buffer.from("more")]), {}],
    [good, { maxInputBytes: 20 }],
    [packOf([blob(2_000_000)], "sha1"), {}],
    [packOf([blob(600_000), blob(600_001)], "sha1"), {}],
    [packOf([blob(10), blob(10)], "sha1"), {}],
    [
      packOf(
        Array.from({ length: 90 }, (_, i) => blob(i)),
        "sha1",
      ),
      { size: 10 },
    ],
  ];
  for (const [pack, options] of cases) {
    const { result, files } = await take(pack, options);
    assert(!result.isTaken);
    assert.deepEqual(files, []);
    const left: Uint8Array[] = [];
    for await (const piece of result.pack.bytes) left.push(piece);
    assert.deepEqual(Buffer.concat(left), pack);
  }
});

/** Seeded, so that a failure can be repeated: xorshift32. */
function randomNumbers(seed: number): (end: number) => number {
  let state = seed;
  return (end) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % end;
  };
}

const NAMES = [
  "a",
  "a.b",
  "a-b",
  "b",
  ".gitignore",
  ".gitlab-ci.yml",
  "z z",
  "\u00e9",
  ".gitattributes",
  ".gitmodules",
  ".mailmap",
];

const BAD_NAMES = [
  "",
  ".",
  "..",
  ".git",
  ".GIT",
  ".git ",
  ".git.",
  "git~1",
  ".g\u200cit",
  "x\\.git",
  "a/b",
  ".gitmodules ",
  "gitmod~1",
  "GI7EBA~1",
  ".git::$INDEX_ALLOCATION",
  ".Gitattributes",
];

const MODES = ["100644", "100755", "120000"];
const BAD_MODES = ["100664", "040000", "0100644", "300644", "100600", "160000"];

const HEADER_DEFECTS: readonly (readonly [string | RegExp, string])[] = [
  ["tree ", "Tree "],
  ["author ", "authors "],
  [/committer .*\n/, ""],
  ["<author", "author"],
  ["A U Thor <", "A U Thor<"],
  ["Thor", "Th>or"],
  ["1112911993", "01112911993"],
  ["1112911993", "99999999999999999999"],
  ["1112911993", "x"],
  ["-0700", "-070"],
  ["-0700", "0700"],
  ["\n\n", "\0\n\n"],
  ["\n\n", "\n"],
  ["message", "mess\0age"],
  [/^(author .*\n)/m, "$1$1"],
  [/^tree .*/, "tree 123"],
  [/^object .*/, "object 123"],
  ["type commit", "type tree"],
  ["type commit", "type nothing"],
  ["tag v1", "tag v..1"],
  ["tag v1\n", ""],
  ["tagger ", "taggers "],
  ["\n\n", "\nextra header\n\n"],
];

test("whatever is taken, git takes as well, with the same objects", async (t) => {
  const { repository, commit, take } = setUp(t);
  const rounds = Number(process.env["SMALL_PACK_ROUNDS"] ?? 300);
  const random = randomNumbers(20_261_122);
  let taken = 0;
  let refused = 0;
  for (let round = 0; round < rounds; round++) {
    const pack = packOf(randomObjects(random, commit), "sha1");
    const { result, files, quarantine } = await take(pack);
    quarantine[Symbol.dispose]();
    const byGit = gitTakes(repository, pack);
    if (byGit === undefined) refused++;
    if (!result.isTaken) continue;
    assert.deepEqual(files, byGit, `round ${round}`);
    taken++;
  }
  // Both ways are taken often enough to mean something.
  assert(taken > rounds / 5, `${taken} of ${rounds} were taken`);
  assert(refused > rounds / 5, `${refused} of ${rounds} were refused by git`);
});

type Random = (end: number) => number;

/** A blob, a tree, a commit and a tag, which half of the time have a defect. */
function randomObjects(random: Random, parent: string): RawObject[] {
  const defect = random(2) === 0 ? ["tree", "commit", "tag", "link"][random(4)] : undefined;
  const blob: RawObject = { type: 3, content: Buffer.from(`content ${random(1_000_000)}\n`) };
  const entries = randomEntries(random, oidOf(blob, "sha1"), defect);
  const tree: RawObject = { type: 2, content: Buffer.concat(entries) };
  const lines = [
    `tree ${oidOf(tree, "sha1")}`,
    `parent ${parent}`,
    `author ${IDENTITY}`,
    `committer ${IDENTITY}`,
    ...(random(3) === 0 ? ["gpgsig -----BEGIN", " line", " -----END"] : []),
    "",
    "message\n",
  ];
  const commit = text(1, lines, random, defect === "commit");
  const tag = [
    `object ${oidOf(commit, "sha1")}`,
    "type commit",
    "tag v1",
    `tagger ${IDENTITY}`,
    "",
    "message\n",
  ];
  const objects = [commit, tree, blob, text(4, tag, random, defect === "tag")];
  if (defect === "link") objects.splice(random(4), 1);
  return objects;
}

function text(
  type: 1 | 4,
  lines: readonly string[],
  random: Random,
  hasDefect: boolean,
): RawObject {
  const [from, to] = HEADER_DEFECTS[random(HEADER_DEFECTS.length)] ?? ["", ""];
  const whole = lines.join("\n");
  return { type, content: Buffer.from(hasDefect ? whole.replace(from, to) : whole) };
}

function randomEntries(random: Random, blob: string, defect: string | undefined): Buffer[] {
  const names = NAMES.filter(() => random(3) === 0);
  names.sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
  let zero = -1;
  const modes = names.map(() => MODES[random(MODES.length)] ?? "");
  if (defect === "tree") {
    const at = random(names.length + 1);
    const kind = random(5);
    if (kind === 0) names.splice(at, 0, BAD_NAMES[random(BAD_NAMES.length)] ?? "");
    if (kind === 1) names.splice(at, 0, names[at] ?? "b");
    if (kind === 2) names.reverse();
    if (kind === 3) modes[at] = BAD_MODES[random(BAD_MODES.length)] ?? "";
    if (kind === 4) zero = at;
  }
  return names.map((name, i) => {
    const oid = Buffer.from(i === zero ? "0".repeat(40) : blob, "hex");
    return Buffer.concat([Buffer.from(`${modes[i] ?? "100644"} ${name}\0`), oid]);
  });
}
