import type { Stats } from "node:fs";

/** What tells one version of a file from the next, taken when it was read. */
export interface FileVersion {
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly size: number;
  readonly ino: number;
  readonly dev: number;
  /**
   * False when the file had changed so shortly before it was read that another change could bear
   * the same times. Such a version says nothing about what the file holds later.
   */
  readonly settled: boolean;
}

/** How long after a change another one may get the same time: more than a tick of any kernel. */
const TICK_MS = 50;

/** The same for file systems that store whole seconds, or every second one. */
const COARSE_TICK_MS = 2_100;

/** Notes the version of a file that was open when `nowMs` was the time, before it was read. */
export function fileVersion(stats: Stats, nowMs: number): FileVersion {
  const { mtimeMs, ctimeMs, size, ino, dev } = stats;
  const tickMs = mtimeMs % 1000 === 0 && ctimeMs % 1000 === 0 ? COARSE_TICK_MS : TICK_MS;
  const settled = nowMs - Math.max(mtimeMs, ctimeMs) > tickMs;
  return { mtimeMs, ctimeMs, size, ino, dev, settled };
}

/** Tells whether a file whose `stats` were taken now is certain to hold what `version` held. */
export function isUnchanged(version: FileVersion, stats: Stats): boolean {
  return (
    version.settled &&
    version.mtimeMs === stats.mtimeMs &&
    version.ctimeMs === stats.ctimeMs &&
    version.size === stats.size &&
    version.ino === stats.ino &&
    version.dev === stats.dev
  );
}
