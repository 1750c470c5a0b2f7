import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { CONFIG_DEFAULTS } from "../../src/app/config/config.ts";
import { runTestGit, temporaryDirectory } from "../../src/testing/git-repository.ts";
import { prepareHeldSteps } from "../../src/testing/held-steps.ts";
import { OTHER_STORAGE } from "../../src/testing/other-server.ts";
import { storageContents } from "../../src/testing/storage-contents.ts";
import { startTestServer, TEST_STORAGE } from "../../src/testing/test-server.ts";
import { beginTransaction } from "../../src/testing/transaction-client.ts";
import { type CreationPlaces, prepareCreations } from "./creation-sources.ts";
import { type Creation, EVERY_CREATION } from "./every-creation.ts";
import { AFTER_OBJECTS, cancelAtEachStep, type HeldCall, type HeldServer } from "./held-call.ts";

interface Stage extends HeldServer, CreationPlaces {
  readonly storagePath: string;
}

async function setStage(t: TestContext): Promise<Stage> {
  const steps = prepareHeldSteps(t);
  const folder = temporaryDirectory(t);
  const [storagePath, otherPath] = [join(folder, "default"), join(folder, "other")];
  for (const path of [storagePath, otherPath]) mkdirSync(path);
  const server = await startTestServer(t, {
    git: { ...CONFIG_DEFAULTS.git, binPath: steps.gitPath },
    backup: { ...CONFIG_DEFAULTS.backup, goCloudUrl: join(folder, "backups") },
    storages: [
      { name: TEST_STORAGE, path: storagePath },
      { name: OTHER_STORAGE, path: otherPath },
    ],
  });
  const count = (phase: string): Promise<void> => steps.pass(`vote ${phase}`);
  const transaction = beginTransaction(t, server, undefined, count);
  const { channel } = server;
  const places = await prepareCreations(t, { channel, storagePath, otherPath });
  return { server, steps, transaction, storagePath, ...places };
}

/** The folders above pools, which nobody minds. */
const POOL_FOLDERS = /^@pools(?:\/..){0,2} folder$/;

/** Locks, and files that are about to take the place of others. */
const TEMPORARY = /[.]lock |\/tmp_|\/(?:config|alternates)[0-9a-f]{16} /;

function beginCreation(stage: Stage, creation: Creation, step: string): HeldCall {
  const { storagePath, sources } = stage;
  const repository = stage.prepare(creation);
  const { relativePath } = repository;
  const path = join(storagePath, relativePath);
  const leavesObjects =
    creation.leavesObjects === true || AFTER_OBJECTS.some((later) => later === step);
  const all = (): string[] =>
    storageContents(storagePath, { leavesObjects }).filter((line) => !POOL_FOLDERS.test(line));
  const own = (): string[] => all().filter((line) => line.startsWith(relativePath));
  const others = (): string[] =>
    all().filter((line) => !line.startsWith(relativePath) || TEMPORARY.test(line));
  const isSound = (): string[] => {
    if (existsSync(path)) runTestGit(["-C", path, "fsck", "--connectivity-only"], {});
    return [];
  };
  return {
    make: (channel, options) => creation.make(channel, { ...sources, repository }, options),
    contents: creation.isGradual === true ? others : all,
    ownContents: creation.isGradual === true ? isSound : own,
  };
}

suite("a repository is made as a whole or not at all when the call is cancelled", () => {
  for (const [name, creation] of Object.entries(EVERY_CREATION)) {
    test(name, async (t) => {
      const stage = await setStage(t);
      const begin = (step: string): HeldCall => beginCreation(stage, creation, step);
      const count = await cancelAtEachStep(stage, begin);
      t.diagnostic(`cancelled at ${count} steps`);
    });
  }
});
