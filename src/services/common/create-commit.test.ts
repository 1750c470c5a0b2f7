import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { settleObjects } from "../../git/object/held-objects.ts";
import type { Identity } from "../../git/object/identity.ts";
import { type ObjectFormat, type Oid, parseOid } from "../../git/oid/oid.ts";
import { loadSigner } from "../../git/signing/commit-signer.ts";
import { OperationService } from "../../proto/operations_pb.ts";
import { ObjectWriter } from "../../storage/object-write/object-writer.ts";
import {
  createTestRepository,
  type TestRepository,
  temporaryDirectory,
} from "../../testing/git-repository.ts";
import { openpgpKey } from "../../testing/openpgp-key.ts";
import { testCall } from "../../testing/server-call.ts";
import {
  type CommitDraft,
  createCommit,
  DisallowedCharactersError,
  type SigningNeeds,
} from "./create-commit.ts";

const UNSIGNED: SigningNeeds = { signer: undefined, signingCommitter: undefined };
/** Parts of characters, and one character. */
const AWKWARD = ["a", "\x80", "\xc3", "\xe2", "\xef", "\xbf", "\xbe", "\xf0", "\x9f", "\xff"];
const METHOD = OperationService.method.userCommitFiles;

interface SetUp {
  readonly repository: TestRepository;
  readonly tree: Oid;
  /** Writes a commit as the product does, and shows it as git does. */
  create(
    draft: Partial<CommitDraft>,
    needs?: SigningNeeds,
    metadata?: Readonly<Record<string, string>>,
  ): Promise<Buffer>;
}

function setUp(t: TestContext, format: ObjectFormat = "sha1"): SetUp {
  const repository = createTestRepository(t, { format });
  const folder = join(repository.path, "objects");
  const isThere = (oid: Oid): boolean => existsSync(join(folder, oid.slice(0, 2), oid.slice(2)));
  const directory = join(folder, "tmp_objdir-incoming-test");
  const objects = new ObjectWriter(directory, format, isThere);
  t.after(() => objects[Symbol.dispose]());
  const env = { GIT_OBJECT_DIRECTORY: directory, GIT_ALTERNATE_OBJECT_DIRECTORIES: folder };
  const tree = oidOf(repository.gitLine(["hash-object", "-t", "tree", "-w", "--stdin"]));
  const usual = { tree, parents: [], author: person(), committer: person() };
  return {
    repository,
    tree,
    create: async (draft, needs = UNSIGNED, metadata = {}) => {
      const call = testCall(METHOD, { metadata });
      const message = Buffer.from("message");
      const oid = await createCommit(needs, call, objects, { ...usual, message, ...draft });
      settleObjects(directory);
      return repository.git(["cat-file", "commit", oid], { env });
    },
  };
}

function oidOf(text: string): Oid {
  const oid = parseOid(text);
  assert(oid !== undefined);
  return oid;
}

function person(changes: Partial<Record<"name" | "email", string>> = {}): Required<Identity> {
  const { name = "Jane Doe", email = "jane@example.com" } = changes;
  const date = { seconds: 1_700_000_000n, timezone: "+0100" };
  return { name: Buffer.from(name), email: Buffer.from(email), date };
}

function at(seconds: bigint, timezone: string): Required<Identity> {
  return { ...person(), date: { seconds, timezone } };
}

/** The commit that git makes of the same. */
function gitCommit(
  { repository, tree }: SetUp,
  { name, email }: Required<Identity>,
  message: Uint8Array,
  flags: readonly string[] = [],
): Buffer {
  const date = "Tue Nov 14 2023 23:13:20 +0100";
  const env = {
    GIT_AUTHOR_NAME: name.toString(),
    GIT_AUTHOR_EMAIL: email.toString(),
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_NAME: "Jane Doe",
    GIT_COMMITTER_EMAIL: "jane@example.com",
    GIT_COMMITTER_DATE: date,
  };
  const args = ["commit-tree", ...flags, "-F", "-", tree];
  const oid = repository.gitLine(args, { env, input: message });
  return repository.git(["cat-file", "commit", oid]);
}

for (const format of ["sha1", "sha256"] as const) {
  test(`${format}: a commit is the one that git makes`, async (t) => {
    const all = setUp(t, format);
    const first = gitCommit(all, person(), Buffer.from("first"));
    assert.deepEqual(await all.create({ message: Buffer.from("first") }), first);
    const parent = all.repository.gitLine(["hash-object", "-t", "commit", "--stdin"], {
      input: first,
    });
    const parents = [oidOf(parent), oidOf(parent)];
    const flags = ["-p", parent, "-p", parent];
    const second = gitCommit(all, person(), Buffer.from("second\n"), flags);
    assert.deepEqual(await all.create({ message: Buffer.from("second\n"), parents }), second);
    all.repository.git(["fsck", "--strict"]);
  });
}

test("names and addresses are cleaned up as git does", async (t) => {
  const all = setUp(t);
  const texts = [
    ",:;<>\"'\nJane Doe,:;<>'\"\\\n",
    "Ja<ne\n D>oe",
    " . J. Doe Jr. ",
    "Jäne\tDoe",
    "x",
  ];
  for (const text of texts) {
    const author = person({ name: text, email: text });
    const expected = gitCommit(all, author, Buffer.from("message"));
    assert.deepEqual(await all.create({ author }), expected, text);
  }
  const author = person({ email: "" });
  assert.deepEqual(await all.create({ author }), gitCommit(all, author, Buffer.from("message")));
});

test("what isn't UTF-8 is taken for Latin-1 where git does so", async (t) => {
  const all = setUp(t);
  const awkward = [
    "\xe4\xf6",
    "\xc3\xa4\xc3",
    "\xc0\x80",
    "\xed\xa0\x80",
    "\xef\xbf\xbe",
    "\xef\xbf\xbf",
    "\xef\xb7\x90",
    "\xef\xb7\xb0",
    "\xf0\x9f\x98\x80",
    "\xf4\x90\x80\x80",
    "\xf0\x9f\xbf\xbe",
    "\xf8\x88\x80\x80\x80",
    "\x80a",
  ];
  // One commit with all of them says as much as many commits.
  const pieces = fc.sample(fc.string({ unit: fc.constantFrom(...AWKWARD) }), {
    numRuns: 500,
    seed: 7,
  });
  const message = Buffer.from([...awkward, ...pieces].join("\n"), "latin1");
  assert.deepEqual(await all.create({ message }), gitCommit(all, person(), message));
});

test("what git refuses fails in git's words", async (t) => {
  const { create } = setUp(t);
  const cases: [Partial<CommitDraft>, string][] = [
    [{ author: person({ name: "" }) }, "missing author name"],
    [{ committer: person({ name: "" }) }, "missing committer name"],
    [{ author: person({ name: " <>" }) }, "disallowed characters"],
    [
      { message: Buffer.from("a\0b") },
      "commit-tree: exit status 1: error: a NUL byte in commit log message not allowed.\n ",
    ],
    [
      { author: at(4_102_444_800n, "+0000") },
      "commit-tree: exit status 128: fatal: invalid date format: Fri Jan 01 2100 00:00:00 +0000\n ",
    ],
    [
      { committer: at(0n, "-0930") },
      "commit-tree: exit status 128: fatal: invalid date format: Wed Dec 31 1969 14:30:00 -0930\n ",
    ],
  ];
  for (const [draft, message] of cases) {
    await assert.rejects(create(draft), { kind: "unknown", message });
  }
  await assert.rejects(create({ author: person({ name: "," }) }), DisallowedCharactersError);
});

test("a time that stands for none becomes now", async (t) => {
  const { create } = setUp(t);
  const written = (await create({ author: at(-62_135_596_800n, "+0800") })).toString();
  const [, seconds] = /^author .* (\d+) \+0000$/m.exec(written) ?? [];
  assert(Math.abs(Number(seconds) - Date.now() / 1000) < 60);
});

test("commits are signed when they are to be, and the server commits them", async (t) => {
  const { create } = setUp(t);
  const signingKeyPath = join(temporaryDirectory(t), "key");
  writeFileSync(signingKeyPath, openpgpKey({}));
  const signer = loadSigner({ signingKeyPath, rotatedSigningKeyPaths: [] });
  const needs: SigningNeeds = { signer, signingCommitter: { name: "Server", email: "s@x" } };
  const committer = /^committer Server <s@x> 1700000000 \+0100$/m;
  const signed = (await create({ sign: true }, needs)).toString();
  assert.match(signed, committer);
  assert.match(signed, /^gpgsig -----BEGIN PGP SIGNATURE-----$/m);
  const server = { ...needs, signer: undefined };
  assert.match((await create({ sign: true }, server)).toString(), committer);
  const off = { "gitaly-feature-gpg-signing": "false" };
  for (const unsigned of [await create({}, needs), await create({ sign: true }, needs, off)]) {
    assert.doesNotMatch(unsigned.toString(), /gpgsig|Server/);
  }
});
