import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { findTestGit, temporaryDirectory } from "./git-repository.ts";
import { hasEnded } from "./processes.ts";

/** `git 3` is the third git process from the start of the hold; others go by their names. */
export type Step = `git ${number}` | `${"hook" | "gitlab" | "vote"} ${string}`;

/** A step that goes no further once it is reached. */
export interface Hold {
  isReached(): boolean;
  /** Has the process that was held ended? Of others this can't be told, so they count as ended. */
  isOver(): boolean;
  /** What is held, for messages: a command line, or the step. */
  describe(): string;
  /** Lets everybody pass again. */
  release(): void;
}

/** Programs and answers for a server that can be stopped at each step of a call. */
export interface HeldSteps {
  /** For `[git] bin_path`. */
  readonly gitPath: string;
  /** What a custom hook does. */
  hookScript(name: string): string;
  /** For whoever is asked by the server: settles unless the step is held. */
  pass(step: Step): Promise<void>;
  hold(step: Step): Hold;
}

/** Makes the programs; they are removed when the test ends. */
export function prepareHeldSteps(t: TestContext): HeldSteps {
  const folder = temporaryDirectory(t);
  const gitPath = join(folder, "git");
  writeFileSync(gitPath, gitScript(folder, findTestGit()));
  chmodSync(gitPath, 0o755);
  return {
    gitPath,
    hookScript: (name) => `cat >/dev/null\n${holdScript(folder, `hook ${name}`)}`,
    pass: async (step) => {
      if (!existsSync(join(folder, `hold ${step}`))) return;
      writeFileSync(join(folder, "held"), "");
      await new Promise<never>(() => undefined);
    },
    hold: (step) => startHold(folder, step),
  };
}

function startHold(folder: string, step: Step): Hold {
  const counting = join(folder, "counting");
  const order = join(folder, `hold ${step}`);
  const held = join(folder, "held");
  writeFileSync(order, "");
  mkdirSync(counting);
  const read = (): readonly string[] => readFileSync(held, "utf8").split("\n");
  return {
    isReached: () => existsSync(held),
    isOver: () => {
      const [pid = ""] = read();
      return pid === "" || hasEnded(Number(pid));
    },
    describe: () => (existsSync(held) ? `${step}: ${read()[1] ?? ""}` : step),
    release: () => {
      for (const path of [order, held, counting]) rmSync(path, { recursive: true, force: true });
    },
  };
}

/** Each process takes the next number by making a file of that name. */
function gitScript(folder: string, git: string): string {
  return `#!/bin/sh
if [ -d '${folder}/counting' ]; then
  set -C
  number=1
  while ! true 2>/dev/null >"${folder}/counting/$number"; do number=$((number + 1)); done
  set +C
  ${holdScript(folder, "git $number")}
fi
exec '${git}' "$@"
`;
}

/** The file appears as a whole, under its name at last. */
function holdScript(folder: string, step: string): string {
  return `if [ -f "${folder}/hold ${step}" ]; then
  printf '%s\\n' "$$" "$*" >"${folder}/holding"
  mv "${folder}/holding" "${folder}/held"
  exec sleep 100000
fi`;
}
