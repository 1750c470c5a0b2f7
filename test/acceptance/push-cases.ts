import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ObjectFormat } from "../../src/git/oid/oid.ts";
import { writeCustomHook } from "../../src/testing/custom-hook.ts";
import type { GitClient } from "./git-client.ts";

type Prepare = (served: GitClient, path: string) => Promise<void> | void;

/** One push from the work tree of `makePushSource`. */
export interface PushCase {
  readonly name: string;
  /** Arguments of `git push`. */
  readonly args: (url: string) => readonly string[];
  readonly format?: ObjectFormat;
  /** What is special about the repository that is pushed to. */
  readonly prepare?: Prepare;
  /** Settings of the one who pushes. */
  readonly config?: readonly string[];
  readonly fails?: true;
  /** What the one who pushes gets to read, among other things. */
  readonly says?: readonly string[];
}

type Rest = Omit<PushCase, "name" | "args">;

/** Flags go before the URL, refspecs after it. */
function pushCase(name: string, words: readonly string[], rest: Rest = {}): PushCase {
  const flags = words.filter((word) => word.startsWith("--"));
  const refspecs = words.filter((word) => !word.startsWith("--"));
  return { name, args: (url) => [...flags, url, ...refspecs], ...rest };
}

function configured(...settings: readonly string[]): Prepare {
  return async (served) => {
    for (const setting of settings) {
      const end = setting.indexOf("=");
      await served.run("config", "--add", setting.slice(0, end), setting.slice(end + 1));
    }
  };
}

function hooked(hooks: Readonly<Record<string, string>>): Prepare {
  return (_, path) => {
    for (const [name, script] of Object.entries(hooks)) writeCustomHook(path, name, script);
  };
}

function lockMain(path: string): void {
  writeFileSync(join(path, "refs/heads/main.lock"), "");
}

/** All that the repository has is borrowed from then on. */
function movedToPool(path: string): void {
  const objects = join(path, "objects");
  renameSync(objects, `${path}-pool`);
  mkdirSync(join(objects, "info"), { recursive: true });
  mkdirSync(join(objects, "pack"));
  writeFileSync(join(objects, "info/alternates"), `${path}-pool\n`);
}

async function reftable(served: GitClient): Promise<void> {
  await served.run("refs", "migrate", "--ref-format=reftable");
}

const MANY_REFS = Array.from({ length: 2000 }, (_, index) => `main:refs/heads/many/${index}`);

const REFS: readonly PushCase[] = [
  pushCase("a new branch", ["next:refs/heads/new"]),
  pushCase("a branch moves on", ["next:main"]),
  pushCase("a branch moves on, told in detail", ["--progress", "next:main"]),
  pushCase("quiet", ["--quiet", "next:main"]),
  pushCase("nothing new", ["main"]),
  pushCase("a branch at a known commit", ["main:refs/heads/same", "main~1:refs/heads/before"]),
  pushCase("a branch is deleted", [":old"]),
  pushCase("a packed and a loose branch are deleted", [":old", ":loose"]),
  pushCase("what isn't there is deleted", [":refs/heads/nobody"]),
  pushCase("not a fast-forward", ["fork:main"], { fails: true }),
  pushCase("forced", ["--force", "fork:main"]),
  pushCase("forced with a lease", ["--force-with-lease=main:t0", "fork:main"]),
  pushCase("a merge", ["merged:main"]),
  pushCase("annotated and other tags", ["v1", "nested", "tree-tag", "blob-tag"]),
  pushCase("a tag moves", ["--force", "next:refs/tags/t0"]),
  pushCase("a note", ["next:refs/notes/commits"]),
  pushCase("many things at once", ["next:main", ":old", "fork:refs/heads/fork", "v1"]),
  pushCase("2,000 refs", MANY_REFS),
  pushCase("more objects than are unpacked", ["many"]),
  pushCase("many objects, told in detail", ["--progress", "many"]),
  pushCase("a thin pack", ["--thin", "thin:main"]),
  pushCase("a thin pack that is kept", ["--thin", "thin:main"], {
    prepare: configured("receive.unpackLimit=1"),
  }),
  pushCase("a pack that isn't thin", ["--no-thin", "thin:main"]),
  pushCase("sha256", ["next:main", "v1", ":old"], { format: "sha256" }),
  pushCase("many objects in sha256", ["many"], { format: "sha256" }),
  pushCase("a repository with an object pool", ["next:main", "fork:refs/heads/fork"], {
    prepare: (_, path) => movedToPool(path),
  }),
  pushCase("reftable", ["next:main", "fork:refs/heads/fork", ":old", "v1"], { prepare: reftable }),
  pushCase("reftable refuses", ["next:refs/heads/dir", ":main", "next:refs/heads/old"], {
    prepare: reftable,
    fails: true,
  }),
  pushCase("reftable, atomic", ["--atomic", "next:main", "next:refs/heads/dir"], {
    prepare: reftable,
    fails: true,
  }),
  pushCase("over a mirror", ["--mirror"], { fails: true }),
  pushCase("protocol version 0", ["next:main"], { config: ["protocol.version=0"] }),
  pushCase("protocol version 1", ["next:main"], { config: ["protocol.version=1"] }),
];

const REFUSED: readonly PushCase[] = [
  pushCase("the current branch is deleted", [":main", ":old"], { fails: true }),
  pushCase("the current branch is deleted, which warns", [":main"], {
    prepare: configured("receive.denyDeleteCurrent=warn"),
    says: ["warning: deleting the current branch"],
  }),
  pushCase("the current branch is deleted, which is refused", [":main"], {
    prepare: configured("receive.denyDeleteCurrent=refuse"),
    fails: true,
  }),
  pushCase("the current branch is deleted, which is fine", [":main"], {
    prepare: configured("receive.denyDeleteCurrent=ignore"),
  }),
  pushCase("deletions are denied", [":old", "next:main", ":t0"], {
    prepare: configured("receive.denyDeletes=true"),
    fails: true,
    says: ["denying ref deletion"],
  }),
  pushCase("only fast-forwards are allowed", ["--force", "fork:main", "next:old"], {
    prepare: configured("receive.denyNonFastForwards=true"),
    fails: true,
    says: ["denying non-fast-forward"],
  }),
  pushCase("a hidden ref", ["next:refs/merge-requests/1/head", "next:main"], {
    fails: true,
    says: ["deny updating a hidden ref"],
  }),
  pushCase("a hidden ref is deleted", [":refs/keep-around/x"], { fails: true }),
  pushCase("refs that the repository hides", ["next:refs/heads/dir/x", "next:main"], {
    prepare: configured("transfer.hideRefs=refs/heads/dir"),
    fails: true,
  }),
  pushCase("a funny name", ["next:refs/one", "next:main"], { fails: true, says: ["funny ref"] }),
  pushCase("a file where a folder is", ["next:refs/heads/dir", "next:main"], { fails: true }),
  pushCase("a folder where a file is", ["next:refs/heads/old/x", "fork:refs/heads/f"], {
    fails: true,
  }),
  pushCase("a file makes way for a folder", [":refs/heads/old", "next:refs/heads/old/x"]),
  pushCase("a file and a folder of the same name", ["next:refs/heads/q", "next:refs/heads/q/r"], {
    fails: true,
  }),
  pushCase("a tag in a branch's place", ["v1:refs/heads/tagged", "next:main"], { fails: true }),
  pushCase("a branch that is locked", ["next:main", "next:refs/heads/free"], {
    prepare: (_, path) => lockMain(path),
    fails: true,
  }),
  pushCase("a branch that is locked, atomic", ["--atomic", "next:main", "next:refs/heads/free"], {
    prepare: (_, path) => lockMain(path),
    fails: true,
  }),
  pushCase("atomic", ["--atomic", "next:main", "fork:refs/heads/fork"]),
  pushCase("atomic with a hidden ref", ["--atomic", "next:main", "next:refs/pipelines/1"], {
    fails: true,
  }),
  pushCase("atomic with a funny name", ["--atomic", "next:main", "next:refs/one"], { fails: true }),
  pushCase("atomic with a conflict", ["--atomic", "next:main", "next:refs/heads/dir"], {
    fails: true,
  }),
  pushCase("symbolic refs", ["next:refs/heads/alias", "next:main"], {
    prepare: (served) => served.run("symbolic-ref", "refs/heads/alias", "refs/heads/main").then(),
  }),
  pushCase("symbolic refs that contradict", ["next:refs/heads/alias", "merged:main"], {
    prepare: (served) => served.run("symbolic-ref", "refs/heads/alias", "refs/heads/main").then(),
    fails: true,
  }),
];

const PACKS: readonly PushCase[] = [
  pushCase("too large a pack", ["many"], {
    prepare: configured("receive.maxInputSize=1000"),
    fails: true,
  }),
  pushCase("too large a pack to unpack", ["next:main"], {
    prepare: configured("receive.maxInputSize=100"),
    fails: true,
  }),
  ...["bad-date", "no-email", "no-space", "twice", "dot-git", "unsorted"].map((branch) =>
    pushCase(`fsck: ${branch}`, [branch], { fails: true }),
  ),
  ...["bad-zone", "zero-mode"].map((branch) => pushCase(`fsck: ${branch}`, [branch])),
  pushCase("fsck: a pack that is kept", ["twice"], {
    prepare: configured("receive.unpackLimit=1"),
    fails: true,
  }),
];

const HOOKS: readonly PushCase[] = [
  pushCase("hooks that speak", ["next:main", "fork:refs/heads/fork", ":old"], {
    prepare: hooked({
      "pre-receive": 'cat; echo "before $GL_PROTOCOL"; ls objects | grep -c tmp_',
      update: 'echo "update $1 $2 $3"',
      "post-receive": 'cat; printf "no end"',
    }),
  }),
  pushCase("pre-receive refuses", ["next:main", ":old"], {
    prepare: hooked({ "pre-receive": "(echo one; echo two; echo; echo four) >&2; exit 1" }),
    fails: true,
    says: ["remote: four", "pre-receive hook declined"],
  }),
  pushCase("pre-receive refuses deletions", [":old"], {
    prepare: hooked({ "pre-receive": "cat; exit 3" }),
    fails: true,
  }),
  pushCase("update refuses one", ["next:main", "fork:refs/heads/fork"], {
    prepare: hooked({ update: 'echo "$1"; [ "$1" != refs/heads/fork ]' }),
    fails: true,
    says: ["hook declined to update refs/heads/fork"],
  }),
  pushCase("update refuses one, atomic", ["--atomic", "next:main", "fork:refs/heads/fork"], {
    prepare: hooked({ update: '[ "$1" != refs/heads/fork ]' }),
    fails: true,
    says: ["atomic push failure"],
  }),
  pushCase("post-receive fails", ["next:main"], {
    prepare: hooked({ "post-receive": "echo sorry >&2; exit 1" }),
    says: ["remote: sorry"],
  }),
  pushCase("hooks see the objects", ["next:main"], {
    prepare: hooked({
      "pre-receive": "while read -r old new ref; do git log --oneline $old..$new; done",
      "post-receive": "git rev-parse main; ls objects | grep -c tmp_",
    }),
  }),
  pushCase("hooks get options", ["--push-option=a b", "--push-option=c", "next:main"], {
    prepare: hooked({ "pre-receive": 'echo "$GIT_PUSH_OPTION_COUNT:$GIT_PUSH_OPTION_0"' }),
    says: ["remote: 2:a b"],
  }),
  pushCase("options that nobody takes", ["--push-option=a", "next:main"], {
    prepare: configured("receive.advertisePushOptions=false"),
  }),
  pushCase("deleting what isn't there tells no hook", [":refs/heads/nobody"], {
    prepare: hooked({ update: "echo asked", "post-receive": "echo told" }),
    says: ["deleting a non-existent ref"],
  }),
  pushCase("a hook that is a folder", ["next:main"], {
    prepare: (_, path) => {
      mkdirSync(join(path, "custom_hooks/pre-receive.d/folder"), { recursive: true });
    },
  }),
];

/** Every case has a name of its own. */
export const PUSH_CASES: readonly PushCase[] = [...REFS, ...REFUSED, ...PACKS, ...HOOKS];
