import type { PathSimplifier } from "./path-simplifier.ts";
import { TASK_STEPS } from "./task.ts";
import { MARK, type WalkState } from "./walk-state.ts";

/** How a walk goes on from a commit. */
export interface ParentRules {
  readonly firstParent: boolean;
  readonly simplifier: PathSimplifier | undefined;
}

/** Commits between two yields of a walk: trees may have to be compared for each. */
export function stepsPerTurn({ simplifier }: ParentRules): number {
  return simplifier === undefined ? TASK_STEPS : COMPARED_STEPS;
}

/** Steps of a task that compares trees, between two yields: some milliseconds. */
const COMPARED_STEPS = 16;

/**
 * Passes marks from a commit on to its parents, once, and hands new ones to `put`.
 *
 * Parents of an unwanted commit may be missing; others throw `ObjectNotFoundError`.
 */
export function processParents(
  state: WalkState,
  commit: number,
  { firstParent, simplifier }: ParentRules,
  put: ((commit: number) => void) | undefined,
): void {
  const { flags } = state;
  if (!flags.addNew(commit, MARK.added)) return;
  if (flags.has(commit, MARK.uninteresting)) {
    for (const parent of state.parentsOf(commit)) {
      flags.add(parent, MARK.uninteresting);
      if (!state.tryParse(parent)) continue;
      state.markParentsUninteresting(parent);
      if (flags.addNew(parent, MARK.seen)) put?.(parent);
    }
    return;
  }
  simplifier?.simplify(state, commit);
  const side = flags.get(commit) & MARK.left;
  for (const parent of state.parentsOf(commit)) {
    state.parse(parent);
    flags.add(parent, side);
    if (flags.addNew(parent, MARK.seen)) put?.(parent);
    if (firstParent) break;
  }
}
