import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { HooksChoice } from "../../gitcmd/git-runner.ts";
import type { HookName } from "../context/hook-name.ts";
import { HOOK_STUB_SCRIPT } from "./hook-stub.ts";

/** The hooks that the script can be, in the order that they have in the name of a folder. */
const STUB_NAMES = ["pre-receive", "update", "post-receive", "reference-transaction"] as const;

/** Folders of hooks for git: one for each set of hooks, since git runs whatever it finds there. */
export interface HookStubs {
  /** The folder with just these hooks, for `RunOptions.hooks`; names that are no stub are ignored. */
  choose(hooks: ReadonlySet<HookName>): HooksChoice;
}

/**
 * Writes the script and the folders below `directory`, which is made and must not be there before.
 *
 * It stays until the one who has named it removes it.
 */
export async function installHookStubs(directory: string): Promise<HookStubs> {
  const script = join(directory, "stub");
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await writeFile(script, HOOK_STUB_SCRIPT, { mode: 0o700, flag: "wx" });
  await Promise.all(
    subsets().map(async (names) => {
      const folder = join(directory, folderName(names));
      await mkdir(folder, { mode: 0o700 });
      await Promise.all(names.map((name) => symlink("../stub", join(folder, name))));
    }),
  );
  return {
    choose: (hooks) => {
      const names = STUB_NAMES.filter((name) => hooks.has(name));
      return names.length === 0 ? "disabled" : { hooksPath: join(directory, folderName(names)) };
    },
  };
}

function subsets(): HookName[][] {
  const count = 2 ** STUB_NAMES.length - 1;
  return Array.from({ length: count }, (_, index) =>
    STUB_NAMES.filter((_name, bit) => (((index + 1) >> bit) & 1) === 1),
  );
}

function folderName(names: readonly HookName[]): string {
  return names.join("+");
}
