import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  createRefRepositoryPair,
  type PairObjects,
  pack,
  type RefRepositoryPair,
  setRefs,
} from "../../testing/ref-repository-pair.ts";
import type { RefChange } from "./ref-change.ts";

interface Situation {
  readonly name: string;
  readonly arrange?: (pair: RefRepositoryPair) => void;
  readonly changes: (objects: PairObjects) => readonly RefChange[];
  readonly noDeref?: boolean;
  /** The transaction is expected to be left to git. */
  readonly isLeftToGit?: boolean;
}

/** A folder with this file in it, in both repositories. */
function putFile(pair: RefRepositoryPair, name: string, content = ""): void {
  pair.both(({ path }) => {
    mkdirSync(join(path, name, ".."), { recursive: true });
    writeFileSync(join(path, name), content);
  });
}

function putFolder(pair: RefRepositoryPair, name: string): void {
  pair.both(({ path }) => mkdirSync(join(path, name), { recursive: true }));
}

function someRefs({ objects, both }: RefRepositoryPair): void {
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
    isLeftToGit: true,
  },
  {
    name: "a packed reference is below a new one",
    arrange: (pair) => {
      someRefs(pair);
      pair.both(pack);
    },
    changes: ({ commits }) => [{ name: "refs/heads/loose", newOid: commits[0] }],
    isLeftToGit: true,
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

for (const format of ["sha1", "sha256"] as const) {
  for (const { name, arrange, changes, noDeref = false, isLeftToGit = false } of SITUATIONS) {
    test(`references change in-process as git changes them: ${name} (${format})`, async (t) => {
      for (const step of ["commit", "prepare and commit", "prepare and abort"] as const) {
        const pair = await createRefRepositoryPair(t, format);
        arrange?.(pair);
        await pair.transact(changes(pair.objects), { noDeref, step });
        assert.equal(pair.leftToGit(), isLeftToGit ? 1 : 0);
      }
    });
  }
}
