import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { CONFIG_DEFAULTS } from "../../src/app/config/config.ts";
import { changeFiles } from "../../src/testing/change-files.ts";
import {
  findTestGit,
  openTestRepository,
  temporaryDirectory,
} from "../../src/testing/git-repository.ts";
import { type HeldSteps, prepareHeldSteps, type Step } from "../../src/testing/held-steps.ts";
import {
  type OperationServer,
  startOperationServer,
  TEST_USER,
} from "../../src/testing/operation-server.ts";
import { serversMetadata } from "../../src/testing/other-server.ts";
import { eventually } from "../../src/testing/processes.ts";
import { storageContents } from "../../src/testing/storage-contents.ts";
import { TEST_STORAGE } from "../../src/testing/test-server.ts";
import { beginTransaction, type TransactionClient } from "../../src/testing/transaction-client.ts";
import { type ChangeScene, copyScene, fillScene } from "./change-scene.ts";
import { EVERY_CHANGE } from "./every-change.ts";

/** No call of the table starts more git processes. */
const GIT_PROCESSES_MAX = 40;
const PATIENCE_MS = 20_000;

const OTHER_STEPS: readonly Step[] = [
  "gitlab allowed",
  "gitlab pre_receive",
  "hook pre-receive",
  ...(["hook update", "vote preparing", "vote prepared"] as const),
];

/** From here on objects are in the repository, before any reference leads to them, as in git. */
const AFTER_OBJECTS: readonly Step[] = ["hook update", "vote preparing", "vote prepared"];

/** What is left of a change, wherever housekeeping has moved the rest. */
const TEMPORARY = /^[+]gitaly|[.]lock |\/tmp_/;

interface Stage {
  readonly server: OperationServer;
  readonly transaction: TransactionClient;
  readonly steps: HeldSteps;
  readonly scene: ChangeScene;
  readonly template: string;
}

async function setStage(t: TestContext): Promise<Stage> {
  addFilterProgram(t);
  const steps = prepareHeldSteps(t);
  const answer = (name: string, body: string) => async () => {
    await steps.pass(`gitlab ${name}`);
    return { body };
  };
  const answers = {
    allowed: answer("allowed", '{"status":true}'),
    pre_receive: answer("pre_receive", '{"reference_counter_increased":true}'),
  };
  const git = { ...CONFIG_DEFAULTS.git, binPath: steps.gitPath };
  const server = await startOperationServer(t, answers, { git });
  const template = server.repository({ relativePath: "template.git" });
  const hooks = ["pre-receive", "update"].map((name) => [name, steps.hookScript(name)]);
  const scene = fillScene(template, Object.fromEntries(hooks));
  const source = server.repository({ relativePath: "source.git" });
  changeFiles(source, { "source.txt": "source\n" });
  const count = (phase: string): Promise<void> => steps.pass(`vote ${phase}`);
  const transaction = beginTransaction(t, server, undefined, count);
  return { server, transaction, steps, scene, template: template.path };
}

/** Stands in for git-filter-repo. */
function addFilterProgram(t: TestContext): void {
  const folder = temporaryDirectory(t);
  const program = join(folder, "git-filter-repo");
  const git = findTestGit();
  const script = `for a; do case $a in
  --source=*) source=\${a#*=} ;;
  --target=*) target=\${a#*=} ;;
esac; done
${git} -C "$source" fast-export --all | sed s/theirs/nobody/ |
  ${git} -C "$target" fast-import --quiet --force`;
  writeFileSync(program, `#!/bin/sh\n${script}\n`);
  chmodSync(program, 0o755);
  const path = process.env["PATH"];
  process.env["PATH"] = `${folder}:${path}`;
  t.after(() => {
    process.env["PATH"] = path;
  });
}

/** Looks once more whether nothing has come of a cancelled call. */
type Check = () => void;

/** Cancels a call at a step; undefined if the call was over before. */
async function cancelAt(
  { server, transaction, steps, scene, template }: Stage,
  name: string,
  step: Step,
): Promise<Check | undefined> {
  const change = EVERY_CHANGE[name];
  assert.ok(change !== undefined);
  const relativePath = `${name}-${step.replace(" ", "-")}.git`;
  const path = join(server.storagePath, relativePath);
  copyScene(template, path);
  const leavesObjects = change.leavesObjects === true || AFTER_OBJECTS.includes(step);
  const { gitLines } = openTestRepository(path, "sha1");
  const contents = (): string[] => {
    const lines = storageContents(server.storagePath, { leavesObjects });
    if (change.isTidied !== true) return lines;
    return [...gitLines(["for-each-ref"]), ...lines.filter((line) => TEMPORARY.test(line))];
  };
  const before = contents();
  const repository = { storageName: TEST_STORAGE, relativePath, glRepository: "project-1" };
  const controller = new AbortController();
  const isVote = step.startsWith("vote ");
  const metadata = {
    ...serversMetadata({ default: server }),
    ...(isVote && transaction.metadata),
  };
  const options = { signal: controller.signal, metadata };
  const channel = isVote ? transaction.channel : server.channel;
  const hold = steps.hold(step);
  try {
    const target = { repository, user: TEST_USER, scene };
    let isSettled = false;
    const call = change.make(channel, target, options).finally(() => {
      isSettled = true;
    });
    const outcome = Promise.allSettled([call]);
    await eventually(`${name} gets to ${step}`, PATIENCE_MS, () => isSettled || hold.isReached());
    controller.abort();
    const [result] = await outcome;
    const what = `${name} at ${hold.describe()}`;
    // What is held after the end of the call is housekeeping.
    if (result.status === "fulfilled") return undefined;
    if (!hold.isReached()) throw result.reason;
    assert.equal(result.reason.kind, "cancelled", `${what}: ${result.reason}`);
    await eventually(`the process ends: ${what}`, PATIENCE_MS, () => hold.isOver());
    const isClean = (): boolean => isDeepStrictEqual(contents(), before);
    await eventually("nothing is left", PATIENCE_MS, isClean).catch(() => {
      assert.deepEqual(contents(), before, what);
    });
    const own = (lines: readonly string[]) => lines.filter((line) => line.startsWith(relativePath));
    return () => {
      if (change.isTidied !== true) assert.deepEqual(own(contents()), own(before), what);
    };
  } finally {
    hold.release();
  }
}

suite("a change that is cancelled has not been made, and leaves nothing", () => {
  for (const name of Object.keys(EVERY_CHANGE)) {
    test(name, async (t) => {
      const stage = await setStage(t);
      const checks = await cancelAtGit(stage, name);
      for (const step of OTHER_STEPS) checks.push(await cancelAt(stage, name, step));
      for (const check of checks) check?.();
      t.diagnostic(`cancelled at ${checks.filter((check) => check !== undefined).length} steps`);
    });
  }
});

/** Cancels a call at each of its git processes. */
async function cancelAtGit(stage: Stage, name: string): Promise<(Check | undefined)[]> {
  const checks: Check[] = [];
  for (;;) {
    assert.ok(checks.length < GIT_PROCESSES_MAX);
    const check = await cancelAt(stage, name, `git ${checks.length + 1}`);
    if (check === undefined) return checks;
    checks.push(check);
  }
}
