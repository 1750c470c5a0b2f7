import { existsSync } from "node:fs";
import { join } from "node:path";
import { DomainError } from "../../base/error/domain-error.ts";
import { isSystemError } from "../../base/error/is-system-error.ts";
import { AttributeReader } from "../../git/attribute/attribute-reader.ts";
import type { GitConfig } from "../../git/config/git-config.ts";
import { DiffTooHardError } from "../../git/diff/text/diff-too-hard-error.ts";
import { DiffContents } from "../../git/diff/tree/diff-contents.ts";
import type { FilePair } from "../../git/diff/tree/file-pair.ts";
import { SelectedPaths } from "../../git/diff/tree/selected-paths.ts";
import { listFilePairs } from "../../git/diff/tree/tree-difference.ts";
import { parseCommitLinks } from "../../git/object/commit-object.ts";
import type { Oid } from "../../git/oid/oid.ts";
import { binaryFromText } from "../../git/ref/binary-string.ts";
import { resolveRevision } from "../../git/revision/resolve-revision.ts";
import type { Revision } from "../../git/revision/revision.ts";
import type { GitSubcommand } from "../../gitcmd/command/git-subcommand.ts";
import type { FallbackReason } from "../../gitcmd/fallback-reason.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { OpenedRepository } from "./open-repository.ts";
import { quietly } from "./read-commit.ts";

/** Something is left to git, and why. */
export class LeftToGitError extends Error {
  readonly reason: FallbackReason;

  constructor(reason: FallbackReason) {
    super(`left to git: ${reason}`);
    this.reason = reason;
  }
}

/** Why git has to be asked, if that is what an error says. */
export function fallbackReason(error: unknown): FallbackReason | undefined {
  const isKnown = error instanceof LeftToGitError || error instanceof DiffTooHardError;
  return isKnown ? error.reason : undefined;
}

/** The similarity of renamed files that git asks for by default, see `SCORE_MAX`. */
export const HALF_SIMILAR = 30_000;

/** Files that differ between two trees, and access to what is in them. */
export interface TreePairs {
  readonly pairs: readonly FilePair[];
  readonly contents: DiffContents;
}

/** What is compared. */
export interface TreePairsQuery {
  readonly left: Oid | undefined;
  readonly right: Oid | undefined;
  readonly paths?: readonly Uint8Array[];
  readonly renameScoreMin?: number;
}

/** Lists the files in which two trees differ. Throws `LeftToGitError` and `DiffTooHardError`. */
export function listTreePairs(
  { objects }: OpenedRepository,
  contents: DiffContents,
  { left, right, paths = [], renameScoreMin }: TreePairsQuery,
): TreePairs {
  const selected = paths.length === 0 ? undefined : SelectedPaths.parse(paths);
  if (paths.length > 0 && selected === undefined) throw new LeftToGitError("path");
  const trees = {
    ...{ objects, contents, left, right },
    ...(selected !== undefined && { selected }),
    ...(renameScoreMin !== undefined && { renameScoreMin }),
  };
  return { pairs: listFilePairs(trees), contents };
}

/**
 * Opens the contents of a repository's files, to be compared as the given subcommand of git does.
 *
 * Throws `LeftToGitError` when a setting changes what git prints.
 */
export function openDiffContents(
  git: GitRunner,
  repository: OpenedRepository,
  subcommand: "diff" | "diff-tree" | "diff-pairs",
): DiffContents {
  const { objects, located, config, shelves, attributes: parsed } = repository;
  checkConfiguration(config, git, subcommand);
  if (existsSync(MACHINE_ATTRIBUTES)) throw new LeftToGitError("configuration");
  // The runner lets only some commands look at the attributes that HEAD has.
  const tree = subcommand === "diff" ? findTree(repository, "HEAD") : undefined;
  const infoPath = join(located.path, "info", "attributes");
  const attributes = new AttributeReader({ objects, tree, infoPath, parsed });
  return new DiffContents(objects, attributes, shelves.patches);
}

const MACHINE_ATTRIBUTES = "/etc/gitattributes";

/** Settings that change what git prints, or may bring in others that do. */
const INFLUENTIAL =
  /^(?:diff|color|attr|include|includeif)\.|^core\.(?:attributesfile|ignorecase|quotepath|worktree|pager|precomposeunicode)$|^extensions\.(?:worktreeconfig|partialclone)$/i;

function checkConfiguration(config: GitConfig, git: GitRunner, name: GitSubcommand): void {
  const isBare = config.getBoolean("core.bare") === true;
  const isPlain = isBare && !config.entries.some((entry) => INFLUENTIAL.test(entry.name));
  const ofServer = git.configOf({ name });
  if (!isPlain || ofServer.some(({ key }) => INFLUENTIAL.test(key))) {
    throw new LeftToGitError("configuration");
  }
}

/** Revisions that can't be anything but one object, once they are found. */
const PLAIN = /^[0-9A-Za-z_](?:[-\w/~^]|\.(?!\.))*$/;

/** Finds the tree that a revision leads to. Throws `LeftToGitError` where git may know better. */
export function getTree(repository: OpenedRepository, revision: string): Oid {
  const tree = PLAIN.test(revision) ? findTree(repository, revision) : undefined;
  if (tree === undefined) throw new LeftToGitError("revision");
  return tree;
}

function findTree(repository: OpenedRepository, revision: string): Oid | undefined {
  const name = `${binaryFromText(revision)}^{tree}` as Revision;
  const found = orLeftToGit("revision", () => quietly(() => resolveRevision(repository, name)));
  return found?.state === "found" ? found.oid : undefined;
}

/** Leaves it to git to word what is wrong with a repository. */
export function orLeftToGit<Result>(reason: FallbackReason, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    throw error instanceof DomainError || isSystemError(error) ? new LeftToGitError(reason) : error;
  }
}

/**
 * The parents of a commit. Throws `LeftToGitError` where git may see others, as in a repository
 * without all of its history.
 */
export function parentsOf({ objects, located }: OpenedRepository, commit: string): readonly Oid[] {
  const changesParents = ["shallow", "info/grafts"].some((name) =>
    existsSync(join(located.path, name)),
  );
  if (changesParents) throw new LeftToGitError("history");
  const object = quietly(() => objects.read(commit as Oid));
  if (object?.type !== "commit") throw new LeftToGitError("revision");
  return parseCommitLinks(object.content, objects.format).parents;
}
