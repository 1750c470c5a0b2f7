import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { temporaryDirectory } from "../../src/testing/git-repository.ts";
import { descendants, eventually, gitProcesses } from "../../src/testing/processes.ts";
import { type Forge, startForge } from "../acceptance/forge.ts";
import {
  DrillFinding,
  drillSize,
  expectKept,
  mustBeFound,
  reportFigures,
  seededRandom,
} from "./drill.ts";
import { lockFiles } from "./lock-files.ts";
import { expectSound, RefModel } from "./ref-model.ts";
import { prepareWriteLoad, type WriteLoad, type Writer } from "./write-load.ts";

type Victim = "server" | "git child" | "hook process";

const VICTIMS: readonly Victim[] = ["server", "git child", "server", "hook process", "server"];
const KILL_DELAY_MS_MAX = 200;
/**
 * How long a new write may take after a kill; asked in the long form only. On a busy machine it may
 * take a multiple of what the same writer's have taken: those that start many programs wait for the
 * processor at each.
 */
const FIRST_WRITE_MS_MAX = 2000;
const FIRST_WRITE_FACTOR = 2;
/** How long what a killed server has started may go on. */
const ORPHANS_MS = 60_000;
/** How long a step may take before the drill gives up. */
const PATIENCE_MS = 60_000;

const FIRST_TIME_OF_GIT_MS = Date.UTC(2005, 3, 7);

interface Figures {
  kills: Record<Victim, number>;
  failedWrites: number;
  locksWithoutOwner: number;
  firstWriteMsMax: number;
  orphansMsMax: number;
}

/** Kills again and again below four writers; every promise is checked after each kill. */
async function drill(t: TestContext, kills: number, model: RefModel): Promise<Figures> {
  const forge = await startForge(t);
  const load = await prepareWriteLoad(forge, temporaryDirectory(t), model);
  addSlowHook(forge);
  const random = seededRandom(t);
  const figures: Figures = {
    kills: { server: 0, "git child": 0, "hook process": 0 },
    failedWrites: 0,
    locksWithoutOwner: 0,
    firstWriteMsMax: 0,
    orphansMsMax: 0,
  };
  const slowestMs = new Map<string, number>();
  try {
    for (let round = 0; round < kills; round++) {
      const victim = VICTIMS[round % VICTIMS.length] ?? "server";
      await load.served.run("pack-refs", "--all");
      figures.failedWrites += await writeUntilKilled(load, slowestMs, () =>
        strike(forge, victim, random() * KILL_DELAY_MS_MAX),
      );
      figures.kills[victim] += 1;
      if (victim === "server") await forge.start();
      await expectRecovered({ forge, load, model, figures, slowestMs }).catch((error: unknown) => {
        const kill = `a ${victim} was killed, number ${round + 1}`;
        if (error instanceof DrillFinding) error.message += ` (${kill})`;
        throw error;
      });
    }
  } finally {
    await load.close();
  }
  return figures;
}

/**
 * Lets everybody write until somebody has been through and the blow has come. Notes what the
 * slowest acknowledged write of each has taken; returns how many were not acknowledged.
 */
async function writeUntilKilled(
  load: WriteLoad,
  slowestMs: Map<string, number>,
  blow: () => Promise<void>,
): Promise<number> {
  let failed = 0;
  let ended = false;
  const through = new Set<string>();
  const work = async ({ name, write }: Writer): Promise<void> => {
    while (!ended) {
      const beganMs = performance.now();
      try {
        await write();
        slowestMs.set(name, Math.max(slowestMs.get(name) ?? 0, performance.now() - beganMs));
        through.add(name);
      } catch {
        failed += 1;
        await delay(10);
      }
    }
  };
  const working = load.writers.map(work);
  try {
    await eventually("somebody writes", PATIENCE_MS, () => through.size > 1);
    await blow();
  } finally {
    ended = true;
    await Promise.all(working);
  }
  return failed;
}

async function strike(forge: Forge, victim: Victim, waitMs: number): Promise<void> {
  await delay(waitMs);
  if (victim === "server") return forge.kill();
  const pattern = victim === "git child" ? /(^|\/)git(-[a-z-]+)? / : /gitaly-hooks|pre-receive/;
  await eventually(`there is a ${victim}`, PATIENCE_MS, () => {
    const processes = [...descendants(forge.serverPid())];
    return processes.some(([pid, line]) => pattern.test(line) && tryKill(pid));
  });
}

function tryKill(pid: number): boolean {
  try {
    return process.kill(pid, "SIGKILL");
  } catch {
    return false;
  }
}

interface Aftermath {
  readonly forge: Forge;
  readonly load: WriteLoad;
  readonly model: RefModel;
  readonly figures: Figures;
  /** What the slowest write of each writer took before. */
  readonly slowestMs: ReadonlyMap<string, number>;
}

async function expectRecovered(aftermath: Aftermath): Promise<void> {
  const { forge, load, model, figures } = aftermath;
  const startMs = performance.now();
  await eventually("orphans have ended", ORPHANS_MS, () => orphans(forge) === 0);
  figures.orphansMsMax = Math.max(figures.orphansMsMax, Math.round(performance.now() - startMs));
  // Its locks have an owner.
  const isPacking = (line: string): boolean => / (pack-refs|repack|prune|gc) /.test(line);
  await eventually("housekeeping rests", PATIENCE_MS, () => {
    return !gitProcesses(forge.serverPid()).some(isPacking);
  });
  figures.locksWithoutOwner += removeUnowned(forge);
  await model.check(load.served);
  await expectSound(load.served);
  for (const { name, write } of load.writers) {
    const beforeMs = performance.now();
    try {
      await write();
    } catch (error) {
      const locks = describeLocks(join(forge.storagePath, "drill.git"));
      expectKept(false, `no new write by ${name}: ${String(error)}; locks: ${locks}`);
    }
    const tookMs = Math.round(performance.now() - beforeMs);
    figures.firstWriteMsMax = Math.max(figures.firstWriteMsMax, tookMs);
    const usualMs = aftermath.slowestMs.get(name) ?? 0;
    const patienceMs = Math.max(FIRST_WRITE_MS_MAX, FIRST_WRITE_FACTOR * usualMs);
    const limitMs = drillSize(PATIENCE_MS, patienceMs);
    expectKept(tookMs < limitMs, `a write by ${name} took ${tookMs} ms`);
  }
}

/** The locks and their access times, by which the server knows its own. */
function describeLocks(path: string): string {
  const locks = lockFiles(path).map((name) => {
    return `${name} ${statSync(join(path, name), { bigint: true }).atimeNs}`;
  });
  return locks.join(", ");
}

/**
 * Git that is killed leaves its locks, and so does a server between making and stamping one, until
 * housekeeping removes them. Here the drill does, and counts them.
 */
function removeUnowned(forge: Forge): number {
  const path = join(forge.storagePath, "drill.git");
  const locks = lockFiles(path).map((name) => join(path, name));
  // The server's own are stamped with a time before git was.
  const unowned = locks.filter((lock) => atimeMs(lock) > FIRST_TIME_OF_GIT_MS);
  for (const lock of unowned) rmSync(lock, { force: true });
  return unowned.length;
}

/** 0 if it is gone meanwhile. */
function atimeMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.atimeMs ?? 0;
}

/** Processes in the forge's folder that no longer belong to it, and its git processes. */
function orphans(forge: Forge): number {
  const own = descendants(forge.gatewayPid());
  return readdirSync("/proc").filter((entry) => {
    const pid = Number(entry);
    if (!(pid > 0) || pid === forge.gatewayPid() || own.has(pid)) return false;
    return [
      () => readlinkSync(`/proc/${pid}/cwd`),
      () => readFileSync(`/proc/${pid}/cmdline`, "latin1"),
    ].some((read) => reads(read).includes(forge.folder));
  }).length;
}

function reads(read: () => string): string {
  try {
    return read();
  } catch {
    // The process has ended.
    return "";
  }
}

/** Makes the moment longer in which a push has come but isn't accepted. */
function addSlowHook(forge: Forge): void {
  const folder = join(forge.storagePath, "drill.git", "custom_hooks");
  mkdirSync(folder);
  const hook = join(folder, "pre-receive");
  writeFileSync(hook, "#!/bin/sh\ncat >/dev/null\nsleep 0.05\n");
  chmodSync(hook, 0o755);
}

suite("drill 1: kill -9", () => {
  test("nothing acknowledged is lost, and what is there is whole", async (t) => {
    const model = new RefModel();
    const { kills, ...figures } = await drill(t, drillSize(5, 500), model);
    reportFigures(t, "1", { ...kills, acknowledged: model.acknowledgedCount, ...figures });
  });

  // A killed process leaves the page cache, so that only a write that was not made can be missed.
  test("control: writes that are acknowledged too early are found", async (t) => {
    await mustBeFound(/^lost: /, () => drill(t, 100, new RefModel({ hasty: true })));
  });
});
