import type {
  HookEnvironment,
  HookOutput,
  HookUser,
  PushContext,
} from "../context/push-context.ts";
import { hookError } from "../hook-errors.ts";
import type { HookServices } from "../hook-services.ts";
import { customHookEnvironment } from "./custom-hook-environment.ts";
import { type CustomHookName, findCustomHooks } from "./find-custom-hooks.ts";
import { runCustomHooks } from "./run-custom-hooks.ts";

/** One occasion to run the operator's programs. */
export interface CustomHookOccasion {
  readonly name: CustomHookName;
  readonly user: HookUser;
  readonly args: readonly (string | Uint8Array)[];
  /** Undefined reads as empty. */
  readonly stdin: Uint8Array | undefined;
  readonly environment: HookEnvironment;
  readonly pushOptions: readonly string[];
}

/** Finds the operator's programs for the occasion and runs them; the first that fails throws. */
export async function callCustomHooks(
  { spawner, host, customHooksDirectory }: HookServices,
  context: PushContext,
  occasion: CustomHookOccasion,
  output: HookOutput,
  signal: AbortSignal,
): Promise<void> {
  const { name, user, args, stdin, environment, pushOptions } = occasion;
  const directory = context.repository.path;
  const programs = find(directory, customHooksDirectory, name);
  if (programs.length === 0) return;
  const call = {
    programs,
    args,
    environment: customHookEnvironment(host, context, user, environment, pushOptions),
    directory,
    stdin,
  };
  await runCustomHooks(spawner, call, output, signal);
}

function find(directory: string, globalDirectory: string, name: CustomHookName): string[] {
  try {
    return findCustomHooks(directory, globalDirectory, name);
  } catch (error) {
    throw name === "update" ? error : hookError("creating custom hooks executor", error);
  }
}
