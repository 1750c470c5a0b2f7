import { join } from "node:path";
import { count, type Fields, text } from "../shape.ts";
import type { GitlabShellSettings } from "./gitlab.ts";

/** `[hooks]`: programs of the operator that run around a push. */
export interface HookSettings {
  /** Holds `pre-receive.d/`, `update.d/` and the like for every repository. */
  readonly customHooksDir: string;
  /** Bounds the processor time of a pack-objects hook process; 0 leaves it alone. */
  readonly packObjectsHookMaxProc: number;
}

export const HOOK_DEFAULTS: HookSettings = { customHooksDir: "", packObjectsHookMaxProc: 0 };

export const HOOK_FIELDS: Fields<HookSettings> = {
  customHooksDir: text("custom_hooks_dir"),
  packObjectsHookMaxProc: count("packobjects_hook_max_proc"),
};

/** Without a directory of their own, custom hooks are those of gitlab-shell, if it is named. */
export function completeHooks(hooks: HookSettings, shell: GitlabShellSettings): HookSettings {
  if (hooks.customHooksDir !== "" || shell.dir === "") return hooks;
  return { ...hooks, customHooksDir: join(shell.dir, "hooks") };
}
