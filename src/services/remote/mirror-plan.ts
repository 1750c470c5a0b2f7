import { binaryFromBytes } from "../../git/ref/binary-string.ts";
import type { ListedRef } from "../../git/ref/ref-reader.ts";

/** How a mirror becomes like the repository. All names are binary strings. */
export interface MirrorPlan {
  /** For `git push`; the default branch comes first, since hosts want one. */
  readonly refspecs: readonly string[];
  /** References that the mirror has changed on its own, if these are to be kept. */
  readonly divergent: readonly string[];
}

/** Is one commit in the history of the other? One that isn't there is in nobody's. */
export type IsAncestor = (ancestor: string, child: string) => Promise<boolean>;

export interface MirrorState {
  /** Branches and tags of the repository. */
  readonly local: readonly ListedRef[];
  /** Those of the mirror: object ids by name. */
  readonly remote: ReadonlyMap<string, string>;
  /** The reference that HEAD names; it need not exist. */
  readonly defaultBranch: string;
  readonly keepDivergentRefs: boolean;
  /** Which references are mirrored at all. */
  readonly isSelected: (name: string) => boolean;
  readonly isAncestor: IsAncestor;
}

/** Divergent references beyond this many aren't told of. */
const DIVERGENT_MAX = 100;

/** Compares a repository with its mirror. */
export async function planMirror(state: MirrorState): Promise<MirrorPlan> {
  const { local, defaultBranch, isSelected, isAncestor } = state;
  const extra = new Map(state.remote);
  const updates: string[] = [];
  const divergent: string[] = [];
  for (const { name, oid, symref } of local) {
    if (symref !== undefined) continue;
    const mirrored = extra.get(name);
    extra.delete(name);
    if (mirrored === oid) continue;
    const mustKeep = state.keepDivergentRefs && mirrored !== undefined;
    if (!mustKeep || (await isAncestor(mirrored, oid))) updates.push(name);
    else if (isSelected(name) && divergent.length < DIVERGENT_MAX) divergent.push(name);
  }
  const mayDelete = !state.keepDivergentRefs && local.some(({ name }) => name === defaultBranch);
  const deletions = mayDelete ? await merged(extra, defaultBranch, isAncestor) : [];
  // What goes makes room for what comes: `a/b` for `a`.
  const selected = [
    ...deletions.filter(isSelected).map((name) => `:${name}`),
    ...updates.filter(isSelected),
  ];
  const isDefault = (refspec: string): boolean => refspec.replace(/^:/, "") === defaultBranch;
  const refspecs = [
    ...selected.filter(isDefault),
    ...selected.filter((refspec) => !isDefault(refspec)),
  ];
  return { refspecs, divergent };
}

/** Whatever isn't in the default branch may be somebody's only copy, so it stays. */
async function merged(
  extra: ReadonlyMap<string, string>,
  defaultBranch: string,
  isAncestor: IsAncestor,
): Promise<string[]> {
  const names: string[] = [];
  for (const [name, oid] of extra) if (await isAncestor(oid, defaultBranch)) names.push(name);
  return names;
}

/**
 * Makes the choice of the references to mirror: all tags, and the branches that match one of the
 * patterns, in which `*` stands for any text. Without patterns, all branches.
 */
export function selectReferences(patterns: readonly Uint8Array[]): (name: string) => boolean {
  const branches = patterns.map((pattern) =>
    binaryFromBytes(pattern).split("*").map(literally).join("[^\\n]*"),
  );
  const names = branches.length === 0 ? "[^\\n]+" : branches.join("|");
  const choice = new RegExp(`^refs/tags/[^\\n]+$|^refs/heads/(?:${names})$`);
  return (name) => choice.test(name);
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
