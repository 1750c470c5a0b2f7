import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { OperationService } from "../../src/proto/operations_pb.ts";
import { dial } from "../../src/rpc/client/channel.ts";
import { createClient } from "../../src/rpc/client/client.ts";
import { commitHeader, createFile } from "../../src/testing/commit-actions.ts";
import { temporaryDirectory } from "../../src/testing/git-repository.ts";
import { pathsBelow } from "../../src/testing/paths-below.ts";
import { eventually } from "../../src/testing/processes.ts";
import { type Forge, startForge } from "../acceptance/forge.ts";
import { GitClient } from "../acceptance/git-client.ts";
import { DrillFinding, drillSize, expectKept, mustBeFound, reportFigures } from "./drill.ts";
import { lockFiles } from "./lock-files.ts";
import { expectSound, RefModel } from "./ref-model.ts";
import { SmallDisk, smallDiskObstacle } from "./small-disk.ts";
import { DRILL_REPOSITORY, DRILL_USER, prepareWriteLoad, type WriteLoad } from "./write-load.ts";

const MIB = 1024 * 1024;
const DISK_BYTES = 20 * MIB;
const CHANGE_BYTES = MIB;
/** From none to more than enough: packs, quarantine and migration all get their turn. */
const FREE_BYTES_MAX = 2.5 * MIB;
const CLEAN_MS_MAX = 2000;
const TIMEOUT_MS = 60_000;

interface Scene {
  readonly forge: Forge;
  readonly disk: SmallDisk;
  readonly load: WriteLoad;
  readonly folder: string;
}

/** Runs `work` with a forge whose storage is a small disk. */
async function onSmallDisk(t: TestContext, work: (scene: Scene) => Promise<void>): Promise<void> {
  const forge = await startForge(t);
  await forge.stop();
  const folder = temporaryDirectory(t);
  const disk = new SmallDisk(join(folder, "image"), forge.storagePath, DISK_BYTES);
  try {
    await forge.start();
    const load = await prepareWriteLoad(forge, folder, new RefModel());
    try {
      await work({ forge, disk, load, folder });
    } finally {
      await load.close();
      await forge.stop();
    }
  } finally {
    disk.unmount();
  }
}

/** Makes a change of a megabyte that nothing can compress; tells whether it was accepted. */
type Change = (scene: Scene, index: number) => Promise<boolean>;

const push: Change = async ({ forge, folder }, index) => {
  const clone = join(folder, "http");
  const git = new GitClient({ cwd: clone });
  writeFileSync(join(clone, "noise"), randomBytes(CHANGE_BYTES));
  await git.run("add", "noise");
  await git.run("commit", "-q", "-m", `noise ${index}`);
  const url = `${index % 4 === 0 ? forge.http : forge.ssh}/drill.git`;
  const { status, stderr } = await git.attempt("push", "-q", url, "+HEAD:refs/heads/noise");
  await git.run("reset", "-q", "--hard", "HEAD^");
  expectKept(status === 0 || stderr !== "", "a push was refused without a word");
  return status === 0;
};

const commit: Change = async ({ forge }, index) => {
  await using channel = dial(forge.grpcAddress);
  const head = commitHeader({
    repository: DRILL_REPOSITORY,
    user: DRILL_USER,
    branchName: Buffer.from("noise"),
    startBranchName: Buffer.from("main"),
    commitMessage: Buffer.from("noise"),
  });
  const file = createFile(`noise-${index}`, randomBytes(CHANGE_BYTES));
  const operations = createClient(OperationService, channel);
  try {
    await operations.userCommitFiles([head, ...file], { timeoutMs: TIMEOUT_MS });
    return true;
  } catch (error) {
    const message = String(error);
    expectKept(!/deadline|unavailable/i.test(message), `no clean answer: ${message}`);
    return false;
  }
};

/** What a refused change has left. */
function leftovers({ forge }: Scene): string[] {
  const path = join(forge.storagePath, "drill.git");
  const temporary = join(forge.storagePath, "+gitaly", "tmp");
  const objects = pathsBelow(join(path, "objects"));
  return [
    ...lockFiles(path),
    ...(existsSync(temporary) ? readdirSync(temporary) : []),
    ...objects.filter((name) => /(^|\/)(tmp_|incoming)/.test(name)),
  ];
}

async function drill(
  t: TestContext,
  offsets: number,
  sabotage?: (scene: Scene) => void,
): Promise<Record<string, number>> {
  const cleanMsMax = sabotage === undefined ? drillSize(TIMEOUT_MS, CLEAN_MS_MAX) : CLEAN_MS_MAX;
  const figures = { offsets, refused: 0, accepted: 0 };
  await onSmallDisk(t, async (scene) => {
    const { disk, forge, load } = scene;
    const url = `${forge.http}/drill.git`;
    for (let index = 0; index < offsets; index++) {
      const before = await load.served.run("for-each-ref");
      const freeBytes = Math.round((FREE_BYTES_MAX * index) / Math.max(offsets - 1, 1));
      disk.leaveFree(freeBytes);
      const isAccepted = await (index % 2 === 0 ? push : commit)(scene, index);
      figures[isAccepted ? "accepted" : "refused"] += 1;
      sabotage?.(scene);
      const isClean = (): boolean => leftovers(scene).length === 0;
      await eventually("it is clean", cleanMsMax, isClean).catch(() => {
        throw new DrillFinding(`left at ${freeBytes} free: ${leftovers(scene).join(" ")}`);
      });
      const after = await load.served.run("for-each-ref");
      expectKept(isAccepted || after === before, `a refused change shows at ${freeBytes} free`);
      const { status, stderr } = await load.served.attempt("ls-remote", url);
      expectKept(status === 0, `reads fail on a full disk: ${stderr}`);
      await expectSound(load.served);
      disk.empty();
      for (const { name, write } of load.writers) {
        await write().catch((error: unknown) => {
          throw new DrillFinding(`no room used again by ${name}: ${String(error)}`);
        });
      }
      await load.served.attempt("update-ref", "-d", "refs/heads/noise");
      await load.served.run("gc", "-q", "--prune=now");
    }
  });
  return figures;
}

suite("drill 6: full disk", () => {
  const skip = smallDiskObstacle() ?? false;

  test("changes are refused cleanly wherever the room ends", { skip }, async (t) => {
    const figures = await drill(t, drillSize(4, 60));
    reportFigures(t, "6", figures);
    expectKept((figures["refused"] ?? 0) > 0, "nothing was refused: the disk was never full");
    expectKept((figures["accepted"] ?? 0) > 0, "nothing was accepted: the disk was always full");
  });

  test("control: a quarantine that stays is found", { skip }, async (t) => {
    const sabotage = ({ forge }: Scene): void => {
      mkdirSync(join(forge.storagePath, "+gitaly", "tmp", "quarantine-0-left"), {
        recursive: true,
      });
    };
    await mustBeFound(/^left at 0 free: quarantine-0-left/, () => drill(t, 1, sabotage));
  });
});
