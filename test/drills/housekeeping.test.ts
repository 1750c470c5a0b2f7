import { rmSync } from "node:fs";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import {
  RepositoryService,
  OptimizeRepositoryRequest_Strategy as Strategy,
} from "../../src/proto/repository_pb.ts";
import { dial } from "../../src/rpc/client/channel.ts";
import { createClient } from "../../src/rpc/client/client.ts";
import { temporaryDirectory } from "../../src/testing/git-repository.ts";
import { pathsBelow } from "../../src/testing/paths-below.ts";
import { eventually } from "../../src/testing/processes.ts";
import { type Forge, startForge } from "../acceptance/forge.ts";
import { GitClient } from "../acceptance/git-client.ts";
import { drillSize, expectKept, mustBeFound, reportFigures } from "./drill.ts";
import { expectSound, RefModel } from "./ref-model.ts";
import { DRILL_REPOSITORY, prepareWriteLoad, type WriteLoad } from "./write-load.ts";

/** How long a step may take before the drill gives up. */
const PATIENCE_MS = 60_000;

/** How long the server's log may take. */
const LOG_MS = 10_000;

/** Tidies once, told what has been written so far, and returns how often that failed. */
type Housekeeper = (forge: Forge, model: RefModel) => Promise<number>;

interface Figures {
  readonly rounds: number;
  readonly failedRepacks: number;
  readonly failedWrites: number;
  readonly clones: number;
}

/** Has a repository tidied without a break while four write to it and one clones it. */
async function drill(
  t: TestContext,
  rounds: number,
  model: RefModel,
  tidy: Housekeeper,
): Promise<Figures> {
  const forge = await startForge(t);
  const folder = temporaryDirectory(t);
  const load = await prepareWriteLoad(forge, folder, model);
  try {
    let failedRepacks = 0;
    const ending = new AbortController();
    const writing = writeUntil(load, ending.signal);
    const cloning = cloneUntil(forge, join(folder, "clone"), ending.signal);
    // It is waited for below, maybe long after it has failed.
    cloning.catch(() => undefined);
    try {
      for (let round = 0; round < rounds; round++) {
        failedRepacks += await tidy(forge, model);
        await awaitWrites(model, load.writers.length);
      }
    } finally {
      ending.abort();
      await Promise.allSettled([writing, cloning]);
    }
    await model.check(load.served);
    await expectSound(load.served);
    const [failures, clones] = [await writing, await cloning];
    expectKept(failures.length === 0, `refused: ${failures.join("; ")}`);
    expectKept(failedRepacks < rounds, `not tidied: ${failedRepacks} times`);
    return { rounds, failedRepacks, failedWrites: failures.length, clones };
  } finally {
    await load.close();
  }
}

/** Returns what went wrong. */
async function writeUntil({ writers }: WriteLoad, signal: AbortSignal): Promise<string[]> {
  const failures: string[] = [];
  const work = async ({ name, write }: WriteLoad["writers"][number]): Promise<void> => {
    while (!signal.aborted) {
      try {
        await write();
      } catch (error) {
        failures.push(`${name}: ${String(error)}`);
        await delay(10);
      }
    }
  };
  await Promise.all(writers.map(work));
  return failures;
}

async function cloneUntil(forge: Forge, path: string, signal: AbortSignal): Promise<number> {
  const git = new GitClient();
  let count = 0;
  while (!signal.aborted) {
    const { status, stderr } = await git.attempt(
      ...["clone", "-q", "--mirror", `${forge.http}/drill.git`, path],
    );
    expectKept(status === 0, `not cloned: ${stderr}`);
    rmSync(path, { recursive: true, force: true });
    count += 1;
  }
  return count;
}

function awaitWrites(model: RefModel, count: number): Promise<void> {
  const goal = model.acknowledgedCount + count;
  return eventually("writes go on", PATIENCE_MS, () => model.acknowledgedCount >= goal);
}

/** What git has said to the server, whose log comes later than its answer; empty if that stays out. */
async function reasonOf(forge: Forge): Promise<string> {
  const reason = (): string => forge.logged(/repack failed with error code/);
  await eventually("the server tells why", LOG_MS, () => reason() !== "").catch(() => undefined);
  return reason();
}

/** What the server offers: everything packed anew, references too, and old objects dropped. */
async function tidyByServer(t: TestContext, forge: Forge): Promise<number> {
  let failures = 0;
  const channel = dial(forge.grpcAddress);
  try {
    const client = createClient(RepositoryService, channel);
    const repository = DRILL_REPOSITORY;
    const unlessBusy = async (call: Promise<unknown>): Promise<void> => {
      await call.catch(async (error: unknown) => {
        if (/housekeeping already executing/.test(String(error))) return;
        // What git gives up for now is done the next time; nothing may be lost by it.
        if (!/repack failed with error code/.test(String(error))) throw error;
        failures += 1;
        t.diagnostic(`${String(error)}; the server: ${await reasonOf(forge)}`);
      });
    };
    await unlessBusy(client.optimizeRepository({ repository, strategy: Strategy.EAGER }));
    await unlessBusy(client.pruneUnreachableObjects({ repository }));
  } finally {
    await channel.close();
  }
  return failures;
}

/** The planted bug: takes for rubbish what has come since it began. */
async function tidyCarelessly(forge: Forge, model: RefModel): Promise<number> {
  const objects = join(forge.storagePath, "drill.git", "objects");
  const known = new Set(pathsBelow(objects));
  await awaitWrites(model, 20);
  for (const path of pathsBelow(objects)) {
    if (!known.has(path) && !path.endsWith("/")) rmSync(join(objects, path), { force: true });
  }
  return 0;
}

suite("drill 15: housekeeping against pushes", () => {
  test("no object is lost and no write refused", async (t) => {
    const model = new RefModel();
    const figures = await drill(t, drillSize(3, 60), model, (forge) => tidyByServer(t, forge));
    reportFigures(t, "15", { ...figures, acknowledged: model.acknowledgedCount });
  });

  test("control: housekeeping that removes what is new is found", async (t) => {
    await mustBeFound(/^(fsck|lost|refused|not cloned): /, () =>
      drill(t, 1, new RefModel(), tidyCarelessly),
    );
  });
});
