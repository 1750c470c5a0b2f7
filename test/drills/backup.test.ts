import { readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { temporaryDirectory } from "../../src/testing/git-repository.ts";
import { pathsBelow } from "../../src/testing/paths-below.ts";
import { eventually } from "../../src/testing/processes.ts";
import { type Forge, startForge } from "../acceptance/forge.ts";
import { GitClient } from "../acceptance/git-client.ts";
import { type BackupTool, ProgramBackups, ServerBackups } from "./backup-tool.ts";
import { drillSize, expectKept, mustBeFound, reportFigures, seededRandom } from "./drill.ts";
import { type PushLoad, startPushLoad } from "./push-load.ts";
import { RefHistory } from "./ref-history.ts";
import { expectSound } from "./ref-model.ts";

/** How long a step may take before the drill gives up. */
const PATIENCE_MS = 60_000;
/** What certainly has changed from one backup to the next. */
const GROWING = "refs/heads/over-http";

/** When a backup is interrupted: as soon as a file like that is there. */
const STAGES = [".bundle", ".toml", ".refs", "at once"] as const;
type Stage = (typeof STAGES)[number];

/** A backup that is complete, and between which moments it was made. */
interface Backup {
  readonly id: string;
  readonly from: number;
  readonly to: number;
}

interface Scene {
  readonly forge: Forge;
  readonly tool: BackupTool;
  readonly history: RefHistory;
  readonly load: PushLoad;
  readonly backups: Backup[];
  begunCount: number;
  restoredCount: number;
}

async function prepare(t: TestContext, way: "server" | "program"): Promise<Scene> {
  const forge = await startForge(t);
  const tool =
    way === "server" ? new ServerBackups(forge) : new ProgramBackups(forge, temporaryDirectory(t));
  const history = new RefHistory();
  const load = await startPushLoad(forge, temporaryDirectory(t), history);
  t.after(() => load.stop());
  return { forge, tool, history, load, backups: [], begunCount: 0, restoredCount: 0 };
}

/** Waits until there is something new, and makes a backup of it: a full one only if it is the first. */
async function backUp(scene: Scene): Promise<Backup> {
  const { backups, history } = scene;
  const since = backups.at(-1)?.to ?? 0;
  await eventually("a push", PATIENCE_MS, () => history.hasChanged(GROWING, since));
  scene.begunCount += 1;
  const id = `backup-${scene.begunCount}`;
  const from = history.now();
  await scene.tool.create(id, backups.length > 0);
  const backup = { id, from, to: history.now() };
  backups.push(backup);
  return backup;
}

/** Restores a backup, or the latest one, into a new repository. */
async function restore(scene: Scene, backupId = ""): Promise<GitClient> {
  scene.restoredCount += 1;
  const relativePath = `restored-${scene.restoredCount}.git`;
  await scene.tool.restore(backupId, relativePath);
  return new GitClient({ cwd: join(scene.forge.storagePath, relativePath) });
}

async function readRefs(git: GitClient): Promise<Map<string, string>> {
  const output = await git.run("for-each-ref", "--format=%(refname) %(objectname)");
  const pairs = output.split("\n").map((line) => line.split(" "));
  return new Map(pairs.map(([ref = "", oid = ""]) => [ref, oid]));
}

/** The restored references are those of one moment of the backup, and all they lead to is there. */
async function expectRestored(
  { forge, history }: Scene,
  restored: GitClient,
  { from, to }: Pick<Backup, "from" | "to">,
): Promise<void> {
  const refs = await readRefs(restored);
  history.expectMoment(refs, from, to);
  await expectSound(restored);
  const served = new GitClient({ cwd: join(forge.storagePath, "drill.git") });
  const tips = [...new Set(refs.values())];
  const [own, all] = await Promise.all(
    [restored, served].map((git) => git.run("rev-list", "--objects", "--no-object-names", ...tips)),
  );
  expectKept(sorted(own) === sorted(all), "objects are missing, or there are others");
}

function sorted(lines = ""): string {
  return lines.split("\n").toSorted().join("\n");
}

/** Kills what makes a backup, which is then found complete or not at all. */
async function killAt(scene: Scene, stage: Stage, waitTurns: number): Promise<boolean> {
  const { tool, history, backups } = scene;
  scene.begunCount += 1;
  const id = `backup-${scene.begunCount}`;
  const from = history.now();
  let ended = false;
  const asking = tool
    .create(id, backups.length > 0)
    .catch(() => undefined)
    .finally(() => {
      ended = true;
    });
  for (let turn = 0; turn < waitTurns && !ended; turn++) await nextTurn();
  if (stage !== "at once") {
    const isReached = (): boolean =>
      ended || backupFiles(tool, id).some((path) => path.includes(stage));
    await eventually(`stage ${stage}`, PATIENCE_MS, isReached);
  }
  await tool.kill();
  await asking;
  const to = history.now();
  const latest = await restore(scene);
  const restored = await restore(scene, id).catch(() => undefined);
  if (restored !== undefined) {
    backups.push({ id, from, to });
    await expectRestored(scene, restored, { from, to });
  }
  const run = tool.latestRun();
  const last = run === undefined ? backups.at(-1) : backups.find((backup) => backup.id === run);
  if (last === undefined) throw new Error("no backup is complete");
  await expectRestored(scene, latest, last);
  return restored !== undefined;
}

/** The files that belong to a backup, also what isn't complete yet. */
function backupFiles({ folder }: BackupTool, id: string): string[] {
  return pathsBelow(folder).filter((path) => path.includes(`${id}/`) || path.includes(`${id}.`));
}

/** How many incremental backups are made, and how many are interrupted after them. */
interface DrillSize {
  readonly increments: number;
  readonly kills: number;
}

async function drill(scene: Scene, { increments, kills }: DrillSize, waitTurns: () => number) {
  const { backups } = scene;
  for (let count = 0; count <= increments; count++) await backUp(scene);
  for (const backup of backups.slice()) {
    await expectRestored(scene, await restore(scene, backup.id), backup);
  }
  let completed = 0;
  for (let kill = 0; kill < kills; kill++) {
    const stage = STAGES[kill % STAGES.length] ?? "at once";
    if (await killAt(scene, stage, waitTurns())) completed += 1;
    const next = await backUp(scene);
    await expectRestored(scene, await restore(scene), next);
  }
  return { backups: backups.length, kills, completed };
}

/** What is cut is refused, before anything is made of it; what was before can be restored. */
async function expectCutsRefused(scene: Scene): Promise<number> {
  const { tool, forge, backups, load } = scene;
  await backUp(scene);
  await backUp(scene);
  await load.stop();
  const [first, last] = backups;
  if (first === undefined || last === undefined) throw new Error("no backups");
  const files = backupFiles(tool, last.id).filter((path) => /\.(refs|bundle|toml)$/.test(path));
  for (const file of files) {
    const path = join(tool.folder, file);
    const content = readFileSync(path);
    truncateSync(path, Math.floor(content.length / 2) - 1);
    const before = readdirSync(forge.storagePath);
    const restored = await restore(scene, last.id).catch(() => undefined);
    expectKept(restored === undefined, `restored although ${file} is cut`);
    const added = readdirSync(forge.storagePath).filter((name) => !before.includes(name));
    expectKept(added.join(" ") === "", `${file} is cut, and yet there is ${added.join(" ")}`);
    writeFileSync(path, content);
    await expectRestored(scene, await restore(scene, last.id), last);
  }
  await expectRestored(scene, await restore(scene, first.id), first);
  return files.length;
}

const SIZES = {
  server: { increments: drillSize(2, 10), kills: drillSize(2, 40) },
  program: { increments: drillSize(1, 10), kills: drillSize(1, 20) },
};

suite("drill 25: backups", () => {
  for (const way of ["server", "program"] as const) {
    test(`a restored backup of the ${way} is of one moment, and kills leave none by halves`, async (t) => {
      const random = seededRandom(t);
      const scene = await prepare(t, way);
      const figures = await drill(scene, SIZES[way], () => Math.floor(random() * 200));
      const { load, restoredCount: restored } = scene;
      await load.stop();
      reportFigures(t, "25", { way, ...figures, restored, pushes: load.count() });
    });
  }

  test("what is cut is refused; references of another moment are found", async (t) => {
    const scene = await prepare(t, "server");
    const { tool, backups } = scene;
    const cuts = await expectCutsRefused(scene);
    expectKept(cuts === 3, `there were ${cuts} files to cut`);
    const [first, last] = backups;
    if (first === undefined || last === undefined) throw new Error("no backups");
    await mustBeFound(/no moment/, async () => {
      const [from = "", to = ""] = [first, last].map(({ id }) => {
        const path = backupFiles(tool, id).find((name) => name.endsWith(".refs"));
        return join(tool.folder, path ?? "");
      });
      writeFileSync(to, readFileSync(from));
      await expectRestored(scene, await restore(scene, last.id), last);
    });
  });
});
