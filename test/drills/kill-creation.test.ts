import { cpSync, existsSync, lutimesSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { RepositoryService } from "../../src/proto/repository_pb.ts";
import { createClient } from "../../src/rpc/client/client.ts";
import { runTestGit } from "../../src/testing/git-repository.ts";
import { type HeldSteps, prepareHeldSteps } from "../../src/testing/held-steps.ts";
import { serversMetadata } from "../../src/testing/other-server.ts";
import { eventually } from "../../src/testing/processes.ts";
import { storageContents } from "../../src/testing/storage-contents.ts";
import { type CreationPlaces, prepareCreations } from "../acceptance/creation-sources.ts";
import { type Creation, EVERY_CREATION } from "../acceptance/every-creation.ts";
import { type OwnServer, startOwnServer } from "../acceptance/own-server.ts";
import { drillSize, expectKept, mustBeFound, reportFigures, seededRandom } from "./drill.ts";

/** The call is killed at one of its first git processes, or after a time. */
const GIT_PROCESSES_MAX: number = drillSize(2, 3);
const KILL_DELAY_MS_MAX = 60;
/** How long what a killed server has started may go on. */
const ORPHANS_MS = 60_000;
const PATIENCE_MS = 60_000;
/** Longer than anything may stay in a temporary folder, in seconds. */
const AGE_S = 8 * 24 * 60 * 60;

interface Scene extends CreationPlaces {
  readonly server: OwnServer;
  readonly steps: HeldSteps;
  /** What the server is made to do wrong, with the place of the repository. */
  readonly fault: ((server: OwnServer, relativePath: string) => void) | undefined;
}

interface Figures {
  kills: number;
  overBefore: number;
  debris: number;
}

type Address = ReturnType<CreationPlaces["prepare"]>;

/** Kills the server in the middle of one call after the other; every promise is checked each time. */
async function drill(
  t: TestContext,
  rounds: number,
  creations: readonly (readonly [name: string, creation: Creation])[],
  fault?: Scene["fault"],
): Promise<Figures> {
  const steps = prepareHeldSteps(t);
  const server = await startOwnServer(t, steps.gitPath);
  const scene = { server, steps, fault, ...(await prepareCreations(t, server)) };
  const random = seededRandom(t);
  const figures: Figures = { kills: 0, overBefore: 0, debris: 0 };
  const first = Math.floor(random() * creations.length);
  for (let round = 0; round < rounds; round++) {
    const creation = creations[(first + round) % creations.length];
    if (creation === undefined) break;
    const isHeld = random() < drillSize(1, 0.7);
    const isOver = await strike(scene, creation, { isHeld, moment: random() });
    figures[isOver ? "overBefore" : "kills"] += 1;
  }
  figures.debris = await expectDebrisGoes(server);
  return figures;
}

/** @returns whether the call was over before the server was killed */
async function strike(
  scene: Scene,
  [name, creation]: readonly [string, Creation],
  { isHeld, moment }: { readonly isHeld: boolean; readonly moment: number },
): Promise<boolean> {
  const { server, steps, sources, fault } = scene;
  const repository = scene.prepare(creation);
  const before = visible(server, creation, repository);
  const hold = steps.hold(isHeld ? `git ${1 + Math.floor(moment * GIT_PROCESSES_MAX)}` : "git 0");
  let end: "success" | "failure" | undefined;
  const call = creation.make(server.channel, { ...sources, repository }, callOptions(server)).then(
    () => {
      end = "success";
    },
    () => {
      end ??= "failure";
    },
  );
  if (isHeld) {
    const isReached = (): boolean => end !== undefined || hold.isReached();
    await eventually(`${name} gets to its end or ${hold.describe()}`, PATIENCE_MS, isReached);
  } else {
    await delay(moment * KILL_DELAY_MS_MAX);
  }
  await server.kill();
  await call;
  const what = `${name} at ${hold.describe()}`;
  await eventually(`it ends: ${what}`, ORPHANS_MS, () => {
    return (!hold.isReached() || hold.isOver()) && gitProcessesIn(server.storagePath) === 0;
  });
  hold.release();
  if (end !== "success") fault?.(server, repository.relativePath);
  await server.start();
  if (end === "success") return true;
  const isUnseen = isDeepStrictEqual(visible(server, creation, repository), before);
  // Nobody has been told, but it may have been made by then.
  if (!isHeld && !isUnseen && isWhole(server, repository)) return true;
  expectKept(isUnseen, `${what} has left something that is seen`);
  await expectRepeatable(scene, creation, repository, what);
  return false;
}

/** The git processes that know of a folder, whoever has started them. */
function gitProcessesIn(folder: string): number {
  return readdirSync("/proc").filter((entry) => {
    if (!/^\d+$/.test(entry)) return false;
    try {
      const line = readFileSync(`/proc/${entry}/cmdline`, "latin1");
      return line.includes(folder) && /(^|\/)git(-[a-z-]+)?\0/.test(line);
    } catch {
      // It has ended.
      return false;
    }
  }).length;
}

function isWhole({ storagePath }: OwnServer, { relativePath }: Address): boolean {
  try {
    runTestGit(["-C", join(storagePath, relativePath), "fsck", "--connectivity-only"], {});
    return true;
  } catch {
    return false;
  }
}

const callOptions = ({ socketPath }: OwnServer) => {
  const address = `unix:${socketPath}`;
  return {
    metadata: serversMetadata({ default: address, other: address }),
    timeoutMs: PATIENCE_MS,
  };
};

/** All that anybody sees of repositories: not what is on the way, nor what nothing leads to. */
function visible({ storagePath }: OwnServer, creation: Creation, { relativePath }: Address) {
  const lines = storageContents(storagePath, { leavesObjects: true });
  return lines.filter((line) => {
    const isOwn = line.startsWith(relativePath);
    if (isOwn && (creation.isGradual === true || isGone(creation))) return false;
    return !UNSEEN.test(line);
  });
}

/** Whether a call removes what was there, which it may have done. */
function isGone({ make }: Creation): boolean {
  const { removeRepository, deleteObjectPool } = EVERY_CREATION;
  return make === removeRepository?.make || make === deleteObjectPool?.make;
}

const UNSEEN =
  /^[+]gitaly|^@pools(?:\/..){0,2} folder$|[.]lock |\/tmp_|\/(?:config|alternates)[0-9a-f]{16} /;

/** The same call must work now, and what it has made must be whole. */
async function expectRepeatable(
  { server, sources }: Scene,
  creation: Creation,
  repository: Address,
  what: string,
): Promise<void> {
  const path = join(server.storagePath, repository.relativePath);
  const repositories = createClient(RepositoryService, server.channel);
  if (creation.from === undefined && creation.isGradual !== true) {
    const { exists } = await repositories.repositoryExists({ repository });
    expectKept(!exists, `${what} has left a repository`);
  }
  const target = { ...sources, repository };
  const failure = await creation.make(server.channel, target, callOptions(server)).then(
    () => undefined,
    (error: unknown) => String(error),
  );
  const isDone = failure === undefined || (isGone(creation) && !existsSync(path));
  expectKept(isDone, `${what} can't be made again: ${failure}`);
  if (!existsSync(path)) return;
  runTestGit(["-C", path, "fsck", "--connectivity-only"], {});
  await repositories.optimizeRepository({ repository });
}

/** What calls have left in the temporary folder goes when its time has come. */
async function expectDebrisGoes(server: OwnServer): Promise<number> {
  const folder = join(server.storagePath, "+gitaly", "tmp");
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const then = Date.now() / 1000 - AGE_S;
  for (const name of names) lutimesSync(join(folder, name), then, then);
  await server.kill();
  await server.start();
  await eventually("debris is removed", PATIENCE_MS, () => {
    return names.every((name) => !existsSync(join(folder, name)));
  });
  return names.length;
}

const ALL: readonly (readonly [name: string, creation: Creation])[] =
  Object.entries(EVERY_CREATION);

suite("kill -9 while repositories are made", () => {
  test("they are there as a whole or not at all, and can be made again", async (t) => {
    reportFigures(t, "kill-creation", { ...(await drill(t, drillSize(4, 200), ALL)) });
  });

  test("control: repositories that are made where they belong are found", async (t) => {
    const fault = ({ storagePath }: OwnServer, relativePath: string): void => {
      const place = join(storagePath, relativePath);
      if (existsSync(place)) return;
      mkdirSync(dirname(place), { recursive: true });
      cpSync(join(storagePath, "source.git", "objects"), join(place, "objects"), {
        recursive: true,
      });
    };
    const pattern = /has left something that is seen|can't be made again/;
    await mustBeFound(pattern, () => drill(t, 60, ALL.slice(0, 5), fault));
  });
});
