import assert from "node:assert/strict";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type ObjectFormat, type Oid, parseOid, zeroOid } from "../../git/oid/oid.ts";
import { RepositoryCache } from "../../git/repository/repository-cache.ts";
import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import {
  createTestRepository,
  openTestRepository,
  type TestRepository,
} from "../../testing/git-repository.ts";
import { startTestGitRunner } from "../../testing/test-git-runner.ts";
import { startGitRefTransaction } from "./git-ref-transaction.ts";
import { type RefChange, repeatChange } from "./ref-change.ts";
import type { RefTransaction } from "./ref-transaction.ts";
import { startRefTransaction } from "./start-ref-transaction.ts";

const FORMATS: readonly ObjectFormat[] = ["sha1", "sha256"];

interface Objects {
  readonly commits: readonly Oid[];
  readonly tag: Oid;
  readonly blob: Oid;
  readonly missing: Oid;
  readonly zero: Oid;
}

/** The same repository twice: one is changed in-process, the other one by git. */
interface Pair {
  readonly objects: Objects;
  readonly ours: TestRepository;
  /** Changes both and compares what comes of it. */
  transact(
    changes: readonly RefChange[],
    options?: { noDeref?: boolean; step?: Step },
  ): Promise<void>;
  /** Does the same to both. */
  both(action: (repository: TestRepository) => void): void;
  /** How many transactions of ours were left to git. */
  leftToGit(): number;
}

type Step = "commit" | "prepare and commit" | "prepare and abort";

async function setUp(t: TestContext, format: ObjectFormat): Promise<Pair> {
  const ours = createTestRepository(t, { format });
  const objects = makeObjects(ours);
  const copy = join(ours.path, "../copy.git");
  cpSync(ours.path, copy, { recursive: true });
  const theirs = openTestRepository(copy, format);
  const config = [
    { key: "core.packedRefsTimeout", value: "0" },
    { key: "core.filesRefLockTimeout", value: "0" },
  ];
  const runner = await startTestGitRunner(t, { config });
  const repositories = new RepositoryCache();
  t.after(() => repositories.close());
  let starts = 0;
  const git: GitRunner = {
    version: () => runner.version(),
    configOf: (command) => runner.configOf(command),
    run: (...args) => runner.run(...args),
    stream: (...args) => runner.stream(...args),
    start: (...args) => {
      starts++;
      return runner.start(...args);
    },
  };
  const { signal } = t;
  return {
    objects,
    ours,
    leftToGit: () => starts,
    both: (action) => {
      action(ours);
      action(theirs);
    },
    transact: async (changes, { noDeref = false, step = "commit" } = {}) => {
      const options = { signal, objectFormat: format, noDeref };
      await using own = await startRefTransaction({ git, repositories }, ours, options);
      await using other = await startGitRefTransaction(runner, theirs, options);
      const [result, expected] = await Promise.all([
        outcome(own, changes, step, ours),
        outcome(other, changes, step, theirs),
      ]);
      const context = JSON.stringify({ changes, noDeref, step });
      assert.deepEqual(result, expected, context);
      assert.deepEqual(filesOf(ours), filesOf(theirs), context);
    },
  };
}

function makeObjects(repository: TestRepository): Objects {
  const { gitLine, format } = repository;
  const tree = gitLine(["hash-object", "-w", "-t", "tree", "--stdin"]);
  const commits = ["one", "two", "three"].map((message) =>
    oid(gitLine(["commit-tree", "-m", message, tree])),
  );
  const tagText = `object ${commits[0]}\ntype commit\ntag t\ntagger T <t> 0 +0000\n\nt\n`;
  const zero = zeroOid(format);
  return {
    commits,
    tag: oid(gitLine(["mktag"], { input: tagText })),
    blob: oid(gitLine(["hash-object", "-w", "--stdin"], { input: "x" })),
    missing: oid("1".repeat(zero.length)),
    zero,
  };
}

function oid(text: string): Oid {
  const parsed = parseOid(text);
  assert.ok(parsed !== undefined, text);
  return parsed;
}

/** What a transaction says in the end. */
async function outcome(
  transaction: RefTransaction,
  changes: readonly RefChange[],
  step: Step,
  { path }: TestRepository,
): Promise<unknown> {
  try {
    for (const change of changes) await repeatChange(change, transaction);
    if (step !== "commit") await transaction.prepare();
    if (step === "prepare and abort") await transaction.abort();
    else await transaction.commit();
    return "done";
  } catch (error) {
    assert.ok(error instanceof Error);
    const { name, message } = error;
    const { metadata, cause, ...fields } = Object.fromEntries(Object.entries(error));
    if (!(error instanceof GitExitError)) return { name, message, fields };
    return {
      name,
      message,
      stderr: error.stderr
        .replaceAll(path, "PATH")
        .replace(/^fatal: (?:prepare|commit): /, "fatal: "),
    };
  }
}

/** All files and folders that belong to references, with what files hold. */
function filesOf({ path }: TestRepository): string[] {
  const beside = readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== "config")
    .map(({ name }) => `${name}: ${readFileSync(join(path, name), "latin1")}`);
  return [...filesBelow(path, "refs"), ...beside].sort();
}

/** Names are binary strings. */
function filesBelow(path: string, folder: string): string[] {
  const place = Buffer.from(`${path}/${folder}`, "latin1");
  const children = readdirSync(place, { withFileTypes: true, encoding: "latin1" });
  return children.flatMap((child) => {
    const name = `${folder}/${child.name}`;
    if (child.isDirectory()) return [`${name}/`, ...filesBelow(path, name)];
    return `${name}: ${readFileSync(Buffer.from(`${path}/${name}`, "latin1"), "latin1")}`;
  });
}

function setRefs(refs: Readonly<Record<string, Oid>>): (repository: TestRepository) => void {
  const input = Object.entries(refs)
    .map(([name, value]) => `update ${name} ${value}\n`)
    .join("");
  return ({ git }) => git(["update-ref", "--stdin"], { input });
}

const pack = ({ git }: TestRepository): void => void git(["pack-refs", "--all"]);

/** A branch that holds a tag, by way of a symbolic reference, isn't packed. */
function mayPack(args: readonly string[]): (repository: TestRepository) => void {
  return ({ git }) => {
    try {
      git(["pack-refs", ...args]);
    } catch (error) {
      assert.match(String(error), /non-commit object/);
    }
  };
}

interface Situation {
  readonly name: string;
  readonly arrange?: (pair: Pair) => void;
  readonly changes: (objects: Objects) => readonly RefChange[];
  readonly noDeref?: boolean;
  /** The transaction is expected to be left to git. */
  readonly isLeftToGit?: boolean;
}

/** A folder with this file in it, in both repositories. */
function putFile(pair: Pair, name: string, content = ""): void {
  pair.both(({ path }) => {
    mkdirSync(join(path, name, ".."), { recursive: true });
    writeFileSync(join(path, name), content);
  });
}

function putFolder(pair: Pair, name: string): void {
  pair.both(({ path }) => mkdirSync(join(path, name), { recursive: true }));
}

function someRefs({ objects, both }: Pair): void {
  const { commits, tag } = objects;
  const [one, two, three] = commits;
  assert.ok(one !== undefined && two !== undefined && three !== undefined);
  both(setRefs({ "refs/heads/main": one, "refs/heads/packed": two, "refs/tags/t": tag }));
  both(pack);
  both(setRefs({ "refs/heads/main": two, "refs/heads/loose/deep/er": three }));
}

const A = "refs/heads/a";

const SITUATIONS: readonly Situation[] = [
  { name: "nothing to do", changes: () => [] },
  {
    name: "a new reference in a new folder",
    changes: ({ commits }) => [{ name: "refs/heads/x/y/z", newOid: commits[0] }],
  },
  {
    name: "a reference outside of the usual folders",
    changes: ({ commits }) => [
      { name: "refs/keep", newOid: commits[0] },
      { name: "refs/one/two", newOid: commits[0] },
    ],
  },
  {
    name: "a packed reference gets a new value",
    arrange: someRefs,
    changes: ({ commits }) => [
      { name: "refs/heads/packed", newOid: commits[2], oldOid: commits[1] },
    ],
  },
  {
    name: "a packed reference keeps its value",
    arrange: someRefs,
    changes: ({ commits }) => [
      { name: "refs/heads/packed", newOid: commits[1], oldOid: commits[1] },
    ],
  },
  {
    name: "packed and loose references are deleted",
    arrange: someRefs,
    changes: ({ zero }) =>
      ["main", "packed", "loose/deep/er", "missing"].map((name) => ({
        name: `refs/heads/${name}`,
        newOid: zero,
      })),
  },
  {
    name: "only loose references are deleted",
    arrange: someRefs,
    changes: ({ zero, commits }) => [
      { name: "refs/heads/loose/deep/er", newOid: zero, oldOid: commits[2] },
    ],
  },
  {
    name: "a packed tag stays when its neighbour goes",
    arrange: someRefs,
    changes: ({ zero, commits }) => [
      { name: "refs/heads/packed", newOid: zero },
      { name: A, newOid: commits[0] },
    ],
  },
  {
    name: "a folder with nothing in it is in the way",
    arrange: (pair) => putFolder(pair, "refs/heads/a/b/c"),
    changes: ({ commits }) => [{ name: A, newOid: commits[0], oldOid: undefined }],
  },
  {
    name: "a folder with a lock is in the way",
    arrange: (pair) => putFile(pair, "refs/heads/a/b/c.lock"),
    changes: ({ commits }) => [{ name: A, newOid: commits[0] }],
    isLeftToGit: true,
  },
  {
    name: "a packed reference is in the way of a folder",
    arrange: someRefs,
    changes: ({ commits }) => [{ name: "refs/heads/packed/x", newOid: commits[0] }],
  },
  {
    name: "a packed reference is below a new one",
    arrange: (pair) => {
      someRefs(pair);
      pair.both(pack);
    },
    changes: ({ commits }) => [{ name: "refs/heads/loose", newOid: commits[0] }],
  },
  {
    name: "a deleted reference is in the way of a new one",
    arrange: someRefs,
    changes: ({ commits, zero }) => [
      { name: "refs/heads/main", newOid: zero },
      { name: "refs/heads/main/x", newOid: commits[0] },
    ],
  },
  {
    name: "a loose reference is in the way of one that must exist",
    arrange: someRefs,
    changes: ({ commits }) => [
      { name: "refs/heads/main/x", newOid: commits[0], oldOid: commits[0] },
    ],
    isLeftToGit: true,
  },
  {
    name: "HEAD and what it leads to change",
    arrange: someRefs,
    changes: ({ commits }) => [
      { name: "HEAD", newOid: commits[0] },
      { name: "refs/heads/main", newOid: commits[0] },
    ],
    isLeftToGit: true,
  },
  {
    name: "HEAD is locked while its branch changes",
    arrange: (pair) => putFile(pair, "HEAD.lock"),
    changes: ({ commits }) => [{ name: "refs/heads/main", newOid: commits[0] }],
  },
  {
    name: "HEAD is deleted by way of its branch",
    arrange: someRefs,
    changes: ({ zero, commits }) => [{ name: "HEAD", newOid: zero, oldOid: commits[1] }],
  },
  {
    name: "HEAD leads to a branch that isn't there",
    changes: ({ commits, zero }) => [{ name: "HEAD", newOid: commits[0], oldOid: zero }],
  },
  {
    name: "HEAD has another value than expected",
    arrange: someRefs,
    changes: ({ commits }) => [{ name: "HEAD", newOid: commits[0], oldOid: commits[0] }],
  },
  {
    name: "HEAD itself gets a value",
    arrange: someRefs,
    noDeref: true,
    changes: ({ commits }) => [{ name: "HEAD", newOid: commits[1], oldOid: commits[1] }],
  },
  {
    name: "HEAD leads to another branch",
    noDeref: true,
    changes: () => [{ name: "HEAD", newTarget: "refs/heads/other" }],
  },
  {
    name: "HEAD is missing",
    arrange: ({ both }) => both(({ path }) => rmSync(join(path, "HEAD"))),
    changes: ({ commits }) => [{ name: A, newOid: commits[0] }],
    isLeftToGit: true,
  },
  {
    name: "a chain of symbolic references is followed",
    arrange: (pair) => {
      someRefs(pair);
      pair.both(({ git }) => {
        git(["symbolic-ref", "refs/heads/s", "refs/heads/t"]);
        git(["symbolic-ref", "refs/heads/t", "refs/heads/packed"]);
      });
    },
    changes: ({ commits }) => [{ name: "refs/heads/s", newOid: commits[0], oldOid: commits[1] }],
  },
  {
    name: "two symbolic references lead to the same one",
    arrange: ({ both }) =>
      both(({ git }) => {
        git(["symbolic-ref", "refs/heads/s", "refs/heads/x"]);
        git(["symbolic-ref", "refs/heads/t", "refs/heads/x"]);
      }),
    changes: ({ commits }) => [
      { name: "refs/heads/s", newOid: commits[0] },
      { name: "refs/heads/t", newOid: commits[0] },
    ],
    isLeftToGit: true,
  },
  {
    name: "a symbolic reference itself is deleted",
    arrange: ({ both }) =>
      both(({ git }) => git(["symbolic-ref", "refs/heads/s/t", "refs/heads/x"])),
    noDeref: true,
    changes: ({ zero }) => [{ name: "refs/heads/s/t", newOid: zero }],
  },
  {
    name: "a symbolic reference that leads nowhere has to be missing",
    arrange: ({ both }) => both(({ git }) => git(["symbolic-ref", "refs/heads/s", "refs/heads/x"])),
    noDeref: true,
    changes: ({ zero, commits }) => [{ name: "refs/heads/s", newOid: commits[0], oldOid: zero }],
    isLeftToGit: true,
  },
  {
    name: "a damaged reference",
    arrange: (pair) => putFile(pair, "refs/heads/a", "rubbish\n"),
    changes: ({ commits }) => [{ name: A, newOid: commits[0] }],
    isLeftToGit: true,
  },
  {
    name: "packed-refs of an old format",
    arrange: (pair) => {
      someRefs(pair);
      pair.both(({ path }) => {
        const file = join(path, "packed-refs");
        writeFileSync(
          file,
          readFileSync(file, "utf8").replace(/^#.*\n/, "# pack-refs with: peeled \n"),
        );
      });
    },
    changes: ({ zero }) => [{ name: "refs/heads/packed", newOid: zero }],
    isLeftToGit: true,
  },
  {
    name: "a pseudoref",
    changes: ({ commits }) => [{ name: "FETCH_HEAD", newOid: commits[0] }],
    isLeftToGit: true,
  },
  {
    name: "a name without slash is deleted",
    changes: ({ zero }) => [{ name: "main", newOid: zero }],
    isLeftToGit: true,
  },
  {
    name: "a name without slash is set",
    changes: ({ commits }) => [{ name: "ORIG_HEAD", newOid: commits[0] }],
  },
  { name: "an empty name", changes: ({ zero }) => [{ name: "", newOid: zero }], isLeftToGit: true },
  { name: "a target that is no name", changes: () => [{ name: A, newTarget: "a..b" }] },
  {
    name: "HEAD is to hold a tag",
    noDeref: true,
    changes: ({ tag }) => [{ name: "HEAD", newOid: tag }],
  },
  {
    name: "a tag's name holds a tag",
    changes: ({ tag }) => [{ name: "refs/tags/new", newOid: tag }],
  },
  {
    name: "a name longer than file names",
    changes: ({ commits }) => [{ name: `refs/heads/${"x".repeat(252)}`, newOid: commits[0] }],
    isLeftToGit: true,
  },
  {
    name: "a reference must not exist, and doesn't",
    changes: ({ zero }) => [{ name: "refs/heads/x/y", oldOid: zero }],
  },
  {
    name: "a reference that has to exist is to be verified",
    changes: ({ commits }) => [{ name: A, oldOid: commits[0] }],
    isLeftToGit: true,
  },
  {
    name: "names of any bytes",
    changes: ({ commits }) => [
      { name: "refs/heads/\xff/\xfe", newOid: commits[0] },
      { name: "refs/heads/\xc3\xa4", newOid: commits[1] },
    ],
  },
];

for (const format of FORMATS) {
  for (const { name, arrange, changes, noDeref = false, isLeftToGit = false } of SITUATIONS) {
    test(`references change in-process as git changes them: ${name} (${format})`, async (t) => {
      for (const step of ["commit", "prepare and commit", "prepare and abort"] as const) {
        const pair = await setUp(t, format);
        arrange?.(pair);
        await pair.transact(changes(pair.objects), { noDeref, step });
        assert.equal(pair.leftToGit(), isLeftToGit ? 1 : 0);
      }
    });
  }
}

/** Numbers from 0 up to a bound, the same for each run of a seed. */
function randomNumbers(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound);
  };
}

const NAMES = [
  "HEAD",
  "refs/heads/main",
  A,
  "refs/heads/a/b",
  "refs/heads/a/b/c",
  "refs/heads/b",
  "refs/tags/t",
  "refs/x/y/z",
  "refs/x/y",
  "refs/heads/sym",
];

function randomChange(random: (bound: number) => number, objects: Objects): RefChange {
  const pick = <T>(values: readonly T[]): T => {
    const value = values[random(values.length)];
    assert.ok(value !== undefined);
    return value;
  };
  const { commits, zero, tag, blob, missing } = objects;
  const name = pick(NAMES);
  const usual = [...commits, ...commits, zero, zero];
  const newOid = random(12) === 0 ? pick([tag, blob, missing]) : pick(usual);
  const oldOid = random(3) > 0 ? undefined : pick([...commits, zero, zero, zero]);
  if (random(12) === 0) return { name, newTarget: pick(NAMES) };
  if (random(12) === 0) return { name, oldOid: pick(usual) };
  return { name, newOid, oldOid };
}

function makeFolders({ path }: TestRepository): void {
  try {
    mkdirSync(join(path, "refs/heads/a/b/c/d"), { recursive: true });
  } catch {
    // A reference is in the way.
  }
}

/** Without a valid HEAD git takes nothing for a repository. */
function repairHead({ path }: TestRepository): void {
  const head = join(path, "HEAD");
  const isValid =
    existsSync(head) && /^(?:ref: refs\/|[0-9a-f]{40})/.test(readFileSync(head, "utf8"));
  if (!isValid) writeFileSync(head, "ref: refs/heads/main\n");
}

/** What others may do between two transactions. */
function disturb(random: (bound: number) => number, { both, objects }: Pair): void {
  const action = random(12);
  if (action === 0) both(mayPack(["--all"]));
  if (action === 1) both(mayPack([]));
  if (action === 2) both(makeFolders);
  const [one] = objects.commits;
  if (action === 3) both(({ git }) => git(["symbolic-ref", "HEAD", "refs/heads/main"]));
  if (action === 4 && one !== undefined)
    both(({ git }) => git(["update-ref", "--no-deref", "refs/tags/t", one]));
}

for (const [index, format] of FORMATS.entries()) {
  test(`any transactions change references in-process as git changes them (${format})`, async (t) => {
    const seed = Number(process.env["GITALY_TESTING_SEED"] ?? 20_261_122 + index);
    t.diagnostic(`seed ${seed}`);
    const random = randomNumbers(seed);
    const pair = await setUp(t, format);
    for (let round = 0; round < 200; round++) {
      disturb(random, pair);
      const changes = Array.from({ length: 1 + random(4) }, () =>
        randomChange(random, pair.objects),
      );
      const steps = ["commit", "commit", "prepare and commit", "prepare and abort"] as const;
      const isLocked = random(10) === 0;
      const lock = ["HEAD", "packed-refs", "refs/heads/b", "refs/heads/main"][random(4)] ?? "HEAD";
      if (isLocked) putFile(pair, `${lock}.lock`);
      const step = steps[random(4)] ?? "commit";
      await pair.transact(changes, { noDeref: random(2) === 0, step });
      if (isLocked) pair.both(({ path }) => rmSync(join(path, `${lock}.lock`)));
      pair.both(repairHead);
      if (random(20) === 0)
        pair.both(({ path }) => rmSync(join(path, "packed-refs"), { force: true }));
    }
    pair.both(({ git }) => git(["refs", "verify"]));
    assert.ok(pair.leftToGit() < 100);
  });
}
