import type { RawPair } from "../../git/diff/pair-entries.ts";
import { createPair, type DiffFile, type FilePair } from "../../git/diff/tree/file-pair.ts";
import { printFilePairs } from "../../git/diff/tree/tree-difference.ts";
import { type ObjectFormat, OID_HEX_LENGTH, parseOid, zeroOid } from "../../git/oid/oid.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { Call } from "../../rpc/call.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import { openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { LeftToGitError, openDiffContents, orLeftToGit } from "../common/tree-pairs.ts";

/** What `git diff-pairs` would be given. */
interface PairsInput {
  readonly pairs: readonly RawPair[];
  readonly flags: readonly string[];
  readonly objectFormat: ObjectFormat;
}

/**
 * Prints the patches of pairs as `git diff-pairs` does. Throws an error with a `fallbackReason` for
 * options, and for pairs that aren't as git itself would write them.
 */
export async function* printOwnPairs(
  needs: ReadNeeds & { readonly git: GitRunner },
  located: LocatedRepository,
  { pairs, flags, objectFormat }: PairsInput,
  call: Call,
): AsyncGenerator<Buffer, void, undefined> {
  if (flags.length > 0) throw new LeftToGitError("options");
  const filePairs = pairs.map((pair) => toFilePair(pair, objectFormat));
  const repository = orLeftToGit("configuration", () => openLocated(needs, located, call));
  const contents = openDiffContents(needs.git, repository, "diff-pairs");
  yield* printFilePairs(filePairs, contents, { raw: false, patches: true }, call.signal);
}

const MODES: ReadonlySet<number> = new Set([0, 0o100644, 0o100755, 0o120000, 0o160000]);

function toFilePair(pair: RawPair, format: ObjectFormat): FilePair {
  const { status, fromPath, toPath } = pair;
  const from = toFile(fromPath, pair.oldMode, pair.fromId, format);
  const to = toFile(toPath === "" ? fromPath : toPath, pair.newMode, pair.toId, format);
  const made = createPair(from, to);
  const isRename = status === "R" && made.status === "M" && toPath !== "";
  const isKnown = (made.status === status && toPath === "") || isRename;
  const isNothing = from.mode === 0 && to.mode === 0;
  const isSame = status === "M" && from.oid === to.oid;
  if (!isKnown || isNothing || isSame) throw new LeftToGitError("options");
  return isRename ? { ...made, status: "R" } : made;
}

function toFile(path: string, mode: number, id: string, format: ObjectFormat): DiffFile {
  const oid = id.length === OID_HEX_LENGTH[format] ? parseOid(id) : undefined;
  // A file without a mode is none, and one that is none has no id.
  const isConsistent =
    oid !== undefined && MODES.has(mode) && (mode === 0) === (oid === zeroOid(format));
  if (!isConsistent) throw new LeftToGitError("options");
  return { path, mode, oid };
}
