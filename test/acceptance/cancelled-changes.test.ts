import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { CONFIG_DEFAULTS } from "../../src/app/config/config.ts";
import { changeFiles } from "../../src/testing/change-files.ts";
import {
  findTestGit,
  openTestRepository,
  temporaryDirectory,
} from "../../src/testing/git-repository.ts";
import { prepareHeldSteps, type Step } from "../../src/testing/held-steps.ts";
import { startOperationServer, TEST_USER } from "../../src/testing/operation-server.ts";
import { storageContents } from "../../src/testing/storage-contents.ts";
import { TEST_STORAGE } from "../../src/testing/test-server.ts";
import { beginTransaction } from "../../src/testing/transaction-client.ts";
import { type ChangeScene, copyScene, fillScene } from "./change-scene.ts";
import { type Change, EVERY_CHANGE } from "./every-change.ts";
import { AFTER_OBJECTS, cancelAtEachStep, type HeldCall, type HeldServer } from "./held-call.ts";

interface Stage extends HeldServer {
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

/** A call on a copy of the template. */
function beginChange(
  { server, scene, template }: Stage,
  name: string,
  change: Change,
  step: Step,
): HeldCall {
  const relativePath = `${name}-${step.replace(" ", "-")}.git`;
  const path = join(server.storagePath, relativePath);
  copyScene(template, path);
  const leavesObjects = change.leavesObjects === true || AFTER_OBJECTS.includes(step);
  const all = (): string[] => storageContents(server.storagePath, { leavesObjects });
  const repository = { storageName: TEST_STORAGE, relativePath, glRepository: "project-1" };
  const target = { repository, user: TEST_USER, scene };
  const make: HeldCall["make"] = (channel, options) => change.make(channel, target, options);
  if (change.isTidied !== true) {
    const own = (): string[] => all().filter((line) => line.startsWith(relativePath));
    return { make, contents: all, ownContents: own };
  }
  const refs = (): string[] => openTestRepository(path, "sha1").gitLines(["for-each-ref"]);
  // Housekeeping is at work in the repositories.
  const temporary = (): string[] => all().filter((line) => line.startsWith("+gitaly"));
  return { make, contents: () => [...refs(), ...temporary()], ownContents: refs };
}

suite("a change that is cancelled has not been made, and leaves nothing", () => {
  for (const [name, change] of Object.entries(EVERY_CHANGE)) {
    test(name, async (t) => {
      const stage = await setStage(t);
      const count = await cancelAtEachStep(stage, (step) => beginChange(stage, name, change, step));
      t.diagnostic(`cancelled at ${count} steps`);
    });
  }
});
