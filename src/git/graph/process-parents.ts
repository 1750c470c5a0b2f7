import { MARK, type WalkState } from "./walk-state.ts";

/**
 * Passes marks from a commit on to its parents, once, and hands new ones to `put`.
 *
 * Parents of an unwanted commit may be missing; others throw `ObjectNotFoundError`.
 */
export function processParents(
  state: WalkState,
  commit: number,
  firstParent: boolean,
  put: ((commit: number) => void) | undefined,
): void {
  const { flags, store } = state;
  if (!flags.addNew(commit, MARK.added)) return;
  const parents = store.parentsOf(commit);
  if (flags.has(commit, MARK.uninteresting)) {
    for (const parent of parents) {
      flags.add(parent, MARK.uninteresting);
      if (!state.tryParse(parent)) continue;
      state.markParentsUninteresting(parent);
      if (flags.addNew(parent, MARK.seen)) put?.(parent);
    }
    return;
  }
  const side = flags.get(commit) & MARK.left;
  for (const parent of parents) {
    state.parse(parent);
    flags.add(parent, side);
    if (flags.addNew(parent, MARK.seen)) put?.(parent);
    if (firstParent) break;
  }
}
