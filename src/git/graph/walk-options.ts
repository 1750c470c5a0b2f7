import type { Oid } from "../oid/oid.ts";
import type { PathSelection } from "./path-selection.ts";

/** Where a walk begins, or what it leaves out. Tags are peeled by the caller. */
export interface WalkTip {
  readonly oid: Oid;
  /** `true` to leave out the commit and its ancestors, as `^commit` for git. */
  readonly isExcluded?: boolean;
  /** `true` for the left side of a symmetric difference. */
  readonly isLeft?: boolean;
}

/**
 * In which order commits come: by time as they are found (git's default), or no parent before all
 * of its children (`topo`), among those by commit time (`date`) or author time (`author-date`).
 */
export type WalkOrder = "default" | "date" | "author-date" | "topo";

/** Which commits to walk over. What is left out restricts nothing. */
export interface WalkOptions {
  /** In the order of git's command line, on which that of commits with equal times depends. */
  readonly tips: readonly WalkTip[];
  readonly order?: WalkOrder | undefined;
  /** Follows only the first parent of merges. */
  readonly firstParent?: boolean | undefined;
  /** Yields the chosen commits the other way round. */
  readonly reverse?: boolean | undefined;
  /** Leaves out so many of the first commits, then yields at most `limit`. */
  readonly skip?: number | undefined;
  readonly limit?: number | undefined;
  /** Leaves out commits that change none of these, and lines of history that don't matter to them. */
  readonly paths?: PathSelection | undefined;
  /** Seconds: ends at commits that are older. */
  readonly since?: number | undefined;
  /** Seconds: leaves out commits that are newer. */
  readonly until?: number | undefined;
  /** Numbers of parents that a commit may have: 2 at least for `--merges`, 1 at most for `--no-merges`. */
  readonly parentsMin?: number | undefined;
  readonly parentsMax?: number | undefined;
  /** Also yields, at the end, the excluded parents of commits that were yielded. */
  readonly boundary?: boolean | undefined;
  /** Decides by a commit's content whether it is yielded. */
  readonly filter?: ((content: Buffer) => boolean) | undefined;
}

/** A commit that a walk yields. */
export interface WalkedCommit {
  readonly oid: Oid;
  /** `true` for one that only borders on what was asked for. */
  readonly isBoundary: boolean;
  /** `true` when it belongs to the left side of a symmetric difference. */
  readonly isLeft: boolean;
}
