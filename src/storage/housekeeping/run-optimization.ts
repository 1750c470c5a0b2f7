import { DomainError } from "../../base/error/domain-error.ts";
import type { LogFields } from "../../base/log/logger.ts";
import { quoteText } from "../../base/text/quote-text.ts";
import type { CommandUsage } from "../../gitcmd/command-usage.ts";
import type { ConfigPair, GitCommand, GitFlag } from "../../gitcmd/git-command.ts";
import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import { isObjectPoolPath } from "../locator/object-pool-path.ts";
import type { LocatedRepository } from "../locator/repository-locator.ts";
import { stampFullRepack } from "../repository/full-repack-stamp.ts";
import type { OptimizationPlan, RepackPlan } from "./optimization-plan.ts";

/** A step of housekeeping failed. The message tells what was being done, from large to small. */
export class HousekeepingError extends DomainError {
  constructor(message: string, cause: unknown) {
    const stderr = cause instanceof GitExitError ? cause.stderr : undefined;
    super("unknown", message, { cause, ...(stderr !== undefined && { metadata: { stderr } }) });
  }
}

/** The options of git processes that do housekeeping. */
export interface HousekeepingRun {
  readonly signal: AbortSignal;
  readonly usage?: CommandUsage;
  /** What the log says of the call that housekeeping is done for. */
  readonly logFields?: LogFields;
}

/** Packs objects anew. Throws a HousekeepingError when git fails. */
export async function repackObjects(
  git: GitRunner,
  repository: LocatedRepository,
  plan: RepackPlan,
  options: HousekeepingRun,
): Promise<void> {
  if (plan.strategy === "incremental_with_unreachable") {
    await packLooseObjects(git, repository, options);
    return;
  }
  // Before the work: a large repository in which it fails isn't tried again all the time.
  if (plan.strategy !== "geometric") stampFullRepack(repository.path);
  const flags = [...repackFlags(plan), ...(plan.writeMultiPackIndex ? ["--write-midx"] : [])];
  const config = repackConfig(repository, plan);
  await runStep(git, repository, { name: "repack", config, flags }, options);
}

/** Loose objects that are in a pack now are removed by hand, as `repack -d` does. */
async function packLooseObjects(
  git: GitRunner,
  repository: LocatedRepository,
  options: HousekeepingRun,
): Promise<void> {
  const doing = "perform incremental repacking with unreachable: ";
  const kinds = ["--pack-loose-unreachable", "--local", "--incremental"];
  const flags = [...kinds, "--non-empty", "--quiet"];
  const args = [`${repository.path}/objects/pack/pack`];
  await runStep(git, repository, { name: "pack-objects", flags, args }, options, doing);
  await runStep(git, repository, { name: "prune-packed", flags: ["--quiet"] }, options);
}

function repackFlags({ strategy, expireBeforeMs }: RepackPlan): GitFlag[] {
  if (strategy === "geometric") return ["--geometric=2", "-d", "-l"];
  if (strategy === "full_with_unreachable") return ["-a", "-l", "-d", "--keep-unreachable"];
  const expiration =
    expireBeforeMs === undefined ? [] : [`--cruft-expiration=${dateText(expireBeforeMs)}`];
  return ["--cruft", "--pack-kept-objects", "-l", "-d", ...expiration];
}

/** In the words of mail headers, which git reads exactly. */
function dateText(timeMs: number): string {
  return new Date(timeMs).toUTCString();
}

/** Branches and tags are what most clones want, so their objects don't lean on others. */
function repackConfig({ relativePath }: LocatedRepository, plan: RepackPlan): ConfigPair[] {
  const [branches, tags, core] = isObjectPoolPath(relativePath)
    ? ["refs/remotes/origin/he(a)ds", "refs/remotes/origin/t(a)gs", "a"]
    : ["r(e)fs/heads", "r(e)fs/tags", "e"];
  return [
    { key: "repack.useDeltaIslands", value: "true" },
    { key: "repack.writeBitmaps", value: String(plan.writeBitmap) },
    { key: "pack.writeBitmapLookupTable", value: "true" },
    { key: "pack.island", value: branches },
    { key: "pack.island", value: tags },
    { key: "pack.islandCore", value: core },
  ];
}

async function runStep(
  git: GitRunner,
  repository: LocatedRepository,
  command: GitCommand,
  options: HousekeepingRun,
  doing = "",
): Promise<void> {
  try {
    await git.run(repository, command, { ...options, hooks: "disabled" });
  } catch (error) {
    if (!(error instanceof GitExitError)) throw error;
    const message = `${doing}${command.name} failed with error code ${error.exitCode}`;
    throw new HousekeepingError(message, error);
  }
}

/** Removes loose objects that are packed as well, and unreachable ones that are old. */
export async function pruneObjects(
  git: GitRunner,
  repository: LocatedRepository,
  expireBeforeMs: number,
  options: HousekeepingRun,
): Promise<void> {
  const flags = [`--expire=${dateText(expireBeforeMs)}`];
  try {
    await git.run(repository, { name: "prune", flags }, { ...options, hooks: "disabled" });
  } catch (error) {
    if (!(error instanceof GitExitError)) throw error;
    throw new HousekeepingError(`executing prune: ${error.message}`, error);
  }
}

/** Moves references into one file, or a few tables. */
export async function packRefs(
  git: GitRunner,
  repository: LocatedRepository,
  options: HousekeepingRun,
): Promise<void> {
  const command = { name: "pack-refs", flags: ["--auto", "--all"] } as const;
  try {
    await git.run(repository, command, { ...options, hooks: "disabled" });
  } catch (error) {
    if (!(error instanceof GitExitError)) throw error;
    const said = `stderr: ${quoteText(error.stderr)}`;
    throw new HousekeepingError(`packing refs: ${error.message}, ${said}`, error);
  }
}

/** Writes the commit-graph of what is reachable, with filters that tell which paths changed. */
export async function writeCommitGraph(
  git: GitRunner,
  repository: LocatedRepository,
  kind: NonNullable<OptimizationPlan["commitGraph"]>,
  options: HousekeepingRun,
): Promise<void> {
  const split = kind === "replace" ? "--split=replace" : "--split";
  const flags = ["--reachable", "--changed-paths", "--size-multiple=4", split];
  const command = { name: "commit-graph", verb: "write", flags } as const;
  try {
    await git.run(repository, command, { ...options, hooks: "disabled" });
  } catch (error) {
    if (!(error instanceof GitExitError)) throw error;
    const message = `writing commit-graph: ${error.message}: ${error.stderr}`;
    throw new HousekeepingError(message, error);
  }
}
