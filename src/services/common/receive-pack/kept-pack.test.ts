/** Packs that are kept as packs, and how it is found out that what they lead to is there. */
import assert from "node:assert/strict";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import {
  findTestGit,
  type TestRepository,
  temporaryDirectory,
} from "../../../testing/git-repository.ts";
import { FLUSH, pktLines } from "../../../testing/pkt-lines.ts";
import {
  PUSH_CAPABILITIES,
  pushedState,
  sayToReceivePack,
  twinsForPush,
  withoutMoments,
} from "../../../testing/push-twins.ts";
import { cloneForPush, writeCommit } from "../../../testing/test-commits.ts";
import { startTestServer, type TestServer } from "../../../testing/test-server.ts";
import { gitSettings } from "../../../testing/test-settings.ts";

const ZERO = "0".repeat(40);
const MAIN = "refs/heads/main";
const UNKNOWN = "1234567890".repeat(4);

interface Push {
  readonly commands: readonly string[];
  readonly pack: Buffer;
}

interface Source {
  readonly repository: TestRepository;
  /** What `main` is. */
  readonly from: string;
  /** A commit on top of it. */
  readonly next: string;
  /** A commit without parents. */
  readonly root: string;
}

function packOf({ git }: TestRepository, ...revisions: readonly string[]): Buffer {
  const input = revisions.map((revision) => `${revision}\n`).join("");
  return git(["pack-objects", "--stdout", "--revs", "--thin", "-q"], { input });
}

function exactPack({ git }: TestRepository, ...oids: readonly string[]): Buffer {
  return git(["pack-objects", "--stdout", "-q"], { input: oids.map((oid) => `${oid}\n`).join("") });
}

const CASES: readonly (readonly [string, (source: Source) => Push])[] = [
  [
    "a history of its own",
    ({ repository, root }) => ({
      commands: [`${ZERO} ${root} refs/heads/new`],
      pack: packOf(repository, root),
    }),
  ],
  [
    "a history of its own, and a reference to nothing",
    ({ repository, root }) => ({
      commands: [`${ZERO} ${root} refs/heads/new`, `${ZERO} ${UNKNOWN} refs/heads/lost`],
      pack: packOf(repository, root),
    }),
  ],
  [
    "a history of its own, and a reference to what was there",
    ({ repository, root, from }) => ({
      commands: [`${ZERO} ${root} refs/heads/new`, `${ZERO} ${from} refs/heads/same`],
      pack: packOf(repository, root),
    }),
  ],
  [
    "all of the history once more",
    ({ repository, from, next }) => ({
      commands: [`${from} ${next} ${MAIN}`],
      pack: packOf(repository, next),
    }),
  ],
  [
    "a history that goes on",
    ({ repository, from, next }) => ({
      commands: [`${from} ${next} ${MAIN}`],
      pack: packOf(repository, next, `^${from}`),
    }),
  ],
  [
    "a commit whose tree was there",
    ({ repository, from }) => {
      const tree = repository.gitLine(["rev-parse", `${from}^{tree}`]);
      const to = repository.gitLine(["commit-tree", "-m", "same", "-p", from, tree]);
      return { commands: [`${from} ${to} ${MAIN}`], pack: exactPack(repository, to) };
    },
  ],
  [
    "a commit without its tree",
    ({ repository, root }) => ({
      commands: [`${ZERO} ${root} refs/heads/new`],
      pack: exactPack(repository, root),
    }),
  ],
  [
    "a blob, and a reference to another history",
    ({ repository, root, next }) => ({
      commands: [`${ZERO} ${next} refs/heads/new`],
      pack: exactPack(repository, repository.gitLine(["rev-parse", `${root}:file`])),
    }),
  ],
  [
    "a deletion beside a history of its own",
    ({ repository, root, from }) => ({
      commands: [`${from} ${ZERO} refs/heads/other`, `${ZERO} ${root} refs/heads/new`],
      pack: packOf(repository, root),
    }),
  ],
];

function sourceOf(t: TestContext, served: TestRepository): Source {
  const repository = cloneForPush(t, served);
  const from = repository.gitLine(["rev-parse", MAIN]);
  return {
    repository,
    from,
    next: writeCommit(repository, { content: "next\n", parents: [from] }),
    root: writeCommit(repository, { content: "root\n" }),
  };
}

function said({ commands, pack }: Push): Buffer {
  const [first = "", ...rest] = commands;
  return Buffer.concat([pktLines(`${first}\0 ${PUSH_CAPABILITIES}`, ...rest, FLUSH), pack]);
}

test("packs are kept and checked as git does it", async (t) => {
  const server = await startTestServer(t);
  for (const [name, say] of CASES) {
    await t.test(name, async (t) => {
      const [own, git] = twinsForPush(server);
      const input = said(say(sourceOf(t, own)));
      for (const twin of [own, git]) twin.git(["config", "receive.unpackLimit", "1"]);
      const answer = await sayToReceivePack(server, own, input);
      assert.deepEqual(
        withoutMoments(answer),
        withoutMoments(await sayToReceivePack(server, git, input)),
      );
      assert.deepEqual(pushedState(own), pushedState(git));
    });
  }
});

/** More objects than are looked at in-process. */
const MANY = 10_001;

async function startLoggedServer(t: TestContext): Promise<readonly [TestServer, () => string[]]> {
  const folder = temporaryDirectory(t);
  const log = join(folder, "log");
  const git = join(folder, "git");
  writeFileSync(log, "");
  writeFileSync(git, `#!/bin/sh\necho " $* " >>'${log}'\nexec '${findTestGit()}' "$@"\n`);
  chmodSync(git, 0o755);
  const server = await startTestServer(t, { git: gitSettings({ binPath: git }) });
  return [server, () => readFileSync(log, "utf8").split("\n")];
}

test("a large pack that needs nothing else isn't looked through again", async (t) => {
  const [server, commands] = await startLoggedServer(t);
  const [own] = twinsForPush(server);
  const repository = cloneForPush(t, own);
  const files = Array.from(
    { length: MANY },
    (_, index) => `M 644 inline ${index}\ndata <<END\n${index}\nEND\n`,
  );
  const author = "A <a@example.com> 1112911993 -0700";
  const head = (ref: string): string => `commit ${ref}\ncommitter ${author}\ndata 1\nx\n`;
  repository.git(["fast-import", "--quiet"], {
    input: [
      ...[head("refs/heads/root"), ...files, "\n"],
      ...[head("refs/heads/next"), `from ${MAIN}^0\n`, ...files, "\n"],
    ].join(""),
  });
  const checks = async (name: string, ...without: readonly string[]): Promise<number> => {
    const to = repository.gitLine(["rev-parse", `refs/heads/${name}`]);
    const pack = packOf(repository, to, ...without);
    const before = commands().length;
    const input = said({ commands: [`${ZERO} ${to} refs/heads/${name}`], pack });
    assert.match((await sayToReceivePack(server, own, input)).data, /unpack ok/);
    assert.equal(own.gitLine(["rev-parse", `refs/heads/${name}`]), to);
    return commands()
      .slice(before)
      .filter((line) => line.includes(" rev-list ")).length;
  };
  assert.equal(await checks("next", `^${MAIN}`), 1);
  assert.equal(await checks("root"), 0);
});
